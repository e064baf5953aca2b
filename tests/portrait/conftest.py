from head_fixtures import mean_head, model, shared, zones  # noqa: F401
