"""How to enter: pure rules from view and market to the working order wanted; one file each."""
