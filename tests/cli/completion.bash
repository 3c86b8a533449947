# Asks the bash completion for its words. Usage: completion.bash WORD…; the last is unfinished.
source <(godwit completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_godwit
printf '%s\n' "${COMPREPLY[@]}" | sort
