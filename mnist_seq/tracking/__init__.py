import os

# MLflow reads these when it is imported: by default it calls home, and draws a progress bar for
# every file it stores.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
