"""What can be done in the Labelling panel, a subject each; none of them knows another."""
