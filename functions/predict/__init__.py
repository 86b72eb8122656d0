"""The prediction function.

FastAPI defines some fifty models of OpenAPI documents, and building their validators is a third of its import. Imported
like this, pydantic builds them when the document is asked for.
"""

from pydantic import BaseModel

BaseModel.model_config["defer_build"] = True
import fastapi  # noqa: E402, F401  while the setting holds

del BaseModel.model_config["defer_build"]
