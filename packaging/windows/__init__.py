"""What only the Windows product has: its interpreter, launchers, installer and signatures."""
