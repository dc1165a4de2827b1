"""Hard limits: pure rules that approve or refuse, and one Nautilus shell at the one door."""
