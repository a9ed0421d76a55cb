"""What several cases use: pages, the peers' models, a server that answers from memory."""
