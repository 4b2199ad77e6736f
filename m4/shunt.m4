dnl Probes of the compiler: warnings, hardening, sanitizers.

dnl SHUNT_TRY_CFLAG(VARIABLE, FLAG): appends FLAG to VARIABLE where the compiler takes it.
AC_DEFUN([SHUNT_TRY_CFLAG], [
	AS_VAR_PUSHDEF([cv], [shunt_cv_cflag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [cv], [
		shunt_save_cflags=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cv], [yes])], [AS_VAR_SET([cv], [no])])
		CFLAGS=$shunt_save_cflags])
	AS_VAR_IF([cv], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([cv])
])

AC_DEFUN([SHUNT_WARNINGS], [
	SHUNT_WARN_CFLAGS=
	m4_foreach_w([SHUNT_flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
		-Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wimplicit-fallthrough=5
		-Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init -Wredundant-decls
		-Wnested-externs -Wthread-safety -Wno-unused-parameter -Wno-missing-field-initializers],
		[SHUNT_TRY_CFLAG([SHUNT_WARN_CFLAGS], SHUNT_flag)])
	AS_IF([test "$enable_werror" = yes], [SHUNT_WARN_CFLAGS="${SHUNT_WARN_CFLAGS# } -Werror"])
	SHUNT_CFLAGS="-std=gnu11 -fno-strict-aliasing $SHUNT_WARN_CFLAGS"
])

AC_DEFUN([SHUNT_HARDENING], [
	SHUNT_HARD_CFLAGS=
	AS_IF([test "$enable_sanitizers" = no && test "$enable_fuzzers" = no], [
		m4_foreach_w([SHUNT_flag], [-fstack-protector-strong -fstack-clash-protection -fcf-protection -fno-common],
			[SHUNT_TRY_CFLAG([SHUNT_HARD_CFLAGS], SHUNT_flag)])
		AS_CASE([" $CFLAGS "], [*" -O0 "*], [],
			[SHUNT_TRY_CFLAG([SHUNT_HARD_CFLAGS], [-U_FORTIFY_SOURCE])
			 AS_CASE([$SHUNT_HARD_CFLAGS], [*-U_FORTIFY_SOURCE*],
				[SHUNT_HARD_CFLAGS="$SHUNT_HARD_CFLAGS -D_FORTIFY_SOURCE=3"])])
		SHUNT_LDFLAGS="$SHUNT_LDFLAGS -Wl,-z,relro -Wl,-z,now"])
	SHUNT_CFLAGS="$SHUNT_CFLAGS $SHUNT_HARD_CFLAGS"
])

AC_DEFUN([SHUNT_SANITIZERS], [
	AS_IF([test "$enable_sanitizers" = yes], [enable_sanitizers=address,undefined])
	AS_IF([test "$enable_fuzzers" = yes], [
		AS_IF([test "$enable_sanitizers" = no], [enable_sanitizers=address,undefined])
		SHUNT_CFLAGS="$SHUNT_CFLAGS -fsanitize=fuzzer-no-link"
		SHUNT_LDFLAGS="$SHUNT_LDFLAGS -fsanitize=fuzzer-no-link"])
	dnl pointer-overflow ends the program for NULL + 0, which every compiler takes for NULL and C2y defines (WG14 N3322).
	AS_IF([test "$enable_sanitizers" != no], [
		SHUNT_CFLAGS="$SHUNT_CFLAGS -fsanitize=$enable_sanitizers -fno-omit-frame-pointer -fno-sanitize-recover=undefined"
		SHUNT_TRY_CFLAG([SHUNT_CFLAGS], [-fno-sanitize=pointer-overflow])
		SHUNT_LDFLAGS="$SHUNT_LDFLAGS -fsanitize=$enable_sanitizers"])
	AS_IF([test "$enable_coverage" = yes], [
		SHUNT_CFLAGS="$SHUNT_CFLAGS --coverage"
		SHUNT_LDFLAGS="$SHUNT_LDFLAGS --coverage"])
])
