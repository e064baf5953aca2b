"""facies: synthetic, exactly labelled data of pathological faces and heads."""
