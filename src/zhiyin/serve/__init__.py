"""The service: one application over the projects of all tenants. ``run.py`` starts it, ``app.py`` puts it together."""
