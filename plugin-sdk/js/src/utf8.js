// Texts to and from bytes: the sandbox has no TextEncoder.

const HEAD = [0, 0xc0, 0xe0, 0xf0];

/** Appends the UTF-8 of a text to an array of bytes. */
export function encode(text, bytes) {
  for (const letter of text) {
    // Half of a surrogate pair is no letter; UTF-8 has U+FFFD for it.
    let code = letter.codePointAt(0);
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    const more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    bytes.push(HEAD[more] | (code >> (6 * more)));
    for (let at = more - 1; at >= 0; at--) bytes.push(0x80 | ((code >> (6 * at)) & 0x3f));
  }
}

/** The text of bytes from `start` to `end`, which are UTF-8. */
export function decode(bytes, start, end) {
  let text = "";
  for (let at = start; at < end; ) {
    const head = bytes[at++];
    const more = head < 0x80 ? 0 : head < 0xe0 ? 1 : head < 0xf0 ? 2 : 3;
    let code = more === 0 ? head : head & (0x3f >> more);
    for (let left = more; left > 0; left--) code = (code << 6) | (bytes[at++] & 0x3f);
    text += String.fromCodePoint(code);
  }
  return text;
}
