"""Build what each function needs out of settings and adapters: one module per function, `common` for all."""
