"""The verifier: it asks a server, judges the answers by the `rules`, and reports which rules the server breaks."""
