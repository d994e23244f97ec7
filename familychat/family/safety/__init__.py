"""Ages and safety: what an age band adds to every prompt, and the filter that it may require."""
