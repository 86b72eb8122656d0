"""Raw files for trying out the ingestion: a dataset in pieces, with defects whose verdict is known beforehand."""
