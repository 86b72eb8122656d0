"""Raw files for trying out the ingestion: a dataset in pieces, with defects that are known beforehand."""
