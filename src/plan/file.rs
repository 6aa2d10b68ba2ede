//! A plan as a file: `plan.json`, format 1.
