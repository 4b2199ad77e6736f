dist_man_MANS += man/shuntctl.8 man/shuntd.8
