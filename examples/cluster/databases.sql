-- The studies' database is made by POSTGRES_DB; MLflow's tables cannot be in the same one.
CREATE DATABASE runs;
