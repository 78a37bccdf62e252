"""What is asked of the evidence: policy, criteria, findings."""
