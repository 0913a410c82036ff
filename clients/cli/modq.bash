# bash completion for modq(1): everything comes from `modq help --verbs`, so it never differs from the program.

_modq_options()
{
    modq help --verbs 2>/dev/null | awk -v verb="$1" '$1 == "-" || $1 == verb { for (i = 2; i <= NF; i++) print $i }'
}

_modq_verb()
{
    local i verbs
    verbs=" $(modq help --verbs 2>/dev/null | awk '$1 != "-" { printf "%s ", $1 }')"
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} != -* && $verbs == *" ${COMP_WORDS[i]} "* ]]; then
            echo "${COMP_WORDS[i]}"
            return
        fi
    done
}

_modq()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb
    COMPREPLY=()
    verb=$(_modq_verb)
    case $before in
    --dir)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --lane)
        mapfile -t COMPREPLY < <(compgen -W "normal escalated" -- "$word")
        return
        ;;
    --closed | --front-page)
        mapfile -t COMPREPLY < <(compgen -W "yes no" -- "$word")
        return
        ;;
    --site)
        mapfile -t COMPREPLY < <(compgen -W "$(modq --timeout 1 stats --json 2>/dev/null |
            grep -o '"site":"[A-Za-z0-9._-]*"' | cut -d '"' -f 4 | sort -u)" -- "$word")
        return
        ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_modq_options "$verb" | tr -d =)" -- "$word")
    elif [[ -z $verb || $verb == help ]]; then
        verb=$(modq help --verbs 2>/dev/null | awk '$1 != "-" { print $1 }')
        mapfile -t COMPREPLY < <(compgen -W "$verb" -- "$word")
    elif [[ $verb == submit ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _modq modq
