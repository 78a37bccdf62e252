"""Code search whose results are re-ranked by a Claude model."""
