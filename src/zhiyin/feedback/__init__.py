"""9 Feedback: outcomes of what was shown, exploration that learns from them, estimates of policies that were not shown,
experiments, and the decisions of retraining."""
