"""The contract's own questions to an endpoint: a gateway, a local model server, the API itself."""
