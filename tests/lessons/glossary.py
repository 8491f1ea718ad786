"""The course's words, and the chapter that explains each: term -> (chapter, pattern, explanation).

The explanation is a piece of the cell in which the term comes first: the term in bold, or the phrase that
says what it is. With None only the order is held: no earlier chapter may use the term.
"""
GLOSSARY = {
    "regret": ("00", r"regrets?", "**regret**"),
    "patience": ("00", r"patience", "**patience**"),
    "±": ("00", r"±", "**±**"),
    "pruning": ("00", r"prun\w+", "an early stop is said to make a network smaller"),
    "seed": ("01", r"seeds?", "its own first weights and its own order"),
    "criterion": ("01", r"criteri(?:on|a)", "**criterion**"),
    "callback": ("01", r"callbacks?", "**callback**"),
    "budget": ("01", r"budgets?", "**budget**"),
    "probe": ("01", r"probes?", "**probe**"),
    "split": ("01", r"splits?", "random splits into training and new"),
    "gradient norm": ("01", r"gradient norms?", "**gradient norm**"),
    "epsilon": ("02", r"epsilons?", "**epsilon**"),
    "window": ("02", r"windows?", "**window**"),
    "event": ("02", r"events?", "**event**"),
    "failure": ("03", r"failures?", "**failure**"),
    "replay": ("03", r"replay(?:s|ed)?", "**replayed**"),
    "smoothing": ("03", r"smoothing", "**smoothing**"),
    "excess": ("03", r"excess", "**excess**"),
    "strip": ("04", r"strips?", None),
    "GL": ("04", r"GL\d*", None),
    "PQ": ("04", r"PQ\d*", None),
    "UP": ("04", r"UP ?\d+", None),
    "quantile": ("04", r"quantiles?", None),
    "mask": ("05", r"masks?", None),
    "sparsity": ("05", r"sparsity|sparse", None),
    "int8": ("05", r"int8", None),
    "fine-tuning": ("05", r"fine-tun\w+", None),
    "head": ("06", r"heads?", None),
    "backbone": ("06", r"backbones?", None),
    "freezing": ("06", r"freez\w+|frozen", None),
    "source score": ("06", r"LEEP|LogME|H-score", None),
    "baseline": ("90", r"baselines?", None),
}
