"""What the products of all systems share: pins, fetching, the tree, pruning, licences, archives."""
