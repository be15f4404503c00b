"""Looking for a plan that fails: simulated runs by the thousand, their verdicts, and the smallest one left."""
