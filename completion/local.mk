# Where bash-completion looks for a command's completion by its name.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = completion/shuntctl
