import warnings

# Optuna loads a library of progress bars, which asks notebooks for widgets; none is drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")
