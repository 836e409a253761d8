"""What pruning each group of channels costs: measured, kept in ``model.sensi.data``, read again."""
