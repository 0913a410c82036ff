/* Keys: a character is its code point; the others have numbers beyond Unicode. */
#ifndef MODQ_REVIEW_KEYS_H
#define MODQ_REVIEW_KEYS_H

#include <stdint.h>

enum review_key {
    KEY_OF_TAB = 9,
    KEY_OF_ENTER = 10,
    KEY_OF_ESCAPE = 27,
    KEY_OF_BACKSPACE = 127,
    KEY_OF_UP = 0x110000,
    KEY_OF_DOWN,
    KEY_OF_LEFT,
    KEY_OF_RIGHT,
    KEY_OF_PAGE_UP,
    KEY_OF_PAGE_DOWN,
    KEY_OF_HOME,
    KEY_OF_END,
    KEY_OF_DELETE,
};

#define CONTROL(letter) ((letter) - 'a' + 1)

#endif
