"""An engine for the GPU beside the one for the processor: made, tested, switched on, left again."""
