# ---- what works with these tables. Nothing that was typed, and no name that the daemon knows, is ever evaluated.

# The words before the cursor that are no options. With --asked: what the daemon is to be asked with instead.
function __modq_read
    set -l words (commandline -opc)
    set -l plain
    set -l asked
    set -l i 2
    while test $i -le (count $words)
        set -l name (string split -m 1 = -- $words[$i])
        if not string match -q -- '-*' $words[$i]
            set -a plain $words[$i]
        else if contains -- $name[1] $__modq_valued
            if not set -q name[2]
                set i (math $i + 1)
                set name $name[1] "$words[$i]"
            end
            if contains -- $name[1] --dir --desk --key --as --site
                set -a asked $name[1]=(string replace -r '^~/' "$HOME/" -- $name[2])
            end
        end
        set i (math $i + 1)
    end
    if test "$argv[1]" = --asked
        string join0 -- $asked
    else
        string join0 -- $plain
    end
end

# The verb that stands there: two words, if there is such a verb.
function __modq_verb
    set -l plain (__modq_read | string split0)
    set -l names (__modq_verbs | string replace -r '\t.*' '')
    if contains -- "$plain[1] $plain[2]" $names
        echo "$plain[1] $plain[2]"
    else if contains -- "$plain[1]" $names
        echo $plain[1]
    end
end

function __modq_verb_is
    set -l verb (__modq_verb)
    test "$verb" = "$argv[1]"
end

# What the daemon knows of a kind, and further words. --list: of several with commas, the last one.
function __modq_offer
    set -l before ''
    if test $argv[1] = --list
        set -e argv[1]
        set before (commandline -ct | string replace -r '^--[a-z-]+=' '' | string replace -r '[^,]*$' '')
    end
    if test $argv[1] != words
        set -l words (commandline -opc)
        set -l program modq
        string match -q '*/*' -- $words[1]; and set program (string replace -r '^~/' "$HOME/" -- $words[1])
        set -l asked (__modq_read --asked | string split0)
        set -l typed (commandline -ct | string unescape)
        if test $argv[1] = comments; and string match -q '*/*' -- "$typed"
            set -a asked --site=(string split -m 1 / -- $typed)[1]
        end
        for line in (command $program $asked completion --values $argv[1] 2>/dev/null </dev/null)
            echo -- $before$line
        end
    end
    for word in $argv[2..-1]
        echo -- $before$word
    end
end

# The first words of the verbs, or the second ones of those that begin with the word before, each with its help.
function __modq_offer_verbs
    set -l plain (__modq_read | string split0)
    test "$plain[1]" = help; and set -e plain[1]
    set -l lines (__modq_verbs)
    if set -q plain[1]
        string match -r -- "^$plain[1] .*" $lines | string replace -r '^[^ ]* ' ''
        return
    end
    set -l names (string replace -r '\t.*' '' -- $lines)
    set -l last ''
    for line in $lines
        set -l first (string split -m 1 ' ' -- (string split -m 1 \t -- $line)[1])[1]
        test "$first" = "$last"; and continue
        set last $first
        if contains -- $first $names
            echo -- $line
        else
            printf '%s\t%s\n' $first (string join ', ' -- (string match -- "$first *" $names))
        end
    end
end

function __modq_first_words
    set -l plain (__modq_read | string split0)
    test (count $plain) -eq 0; or test (count $plain) -eq 1 -a "$plain[1]" != help
end

complete -c modq -f
complete -c modq -n __modq_first_words -a '(__modq_offer_verbs)'
