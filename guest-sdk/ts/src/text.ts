// Text and bytes. The engine has no TextDecoder; its own functions for URIs know UTF-8.

const NOT_ASCII = /[^\0-\x7f]/;

/** Bytes as text: UTF-8, with U+FFFD for what is none. */
export function decodeText(bytes: Uint8Array): string {
  let binary = "";
  // Arguments of a call are limited.
  for (let at = 0; at < bytes.length; at += 4096) {
    binary += String.fromCharCode.apply(null, bytes.subarray(at, at + 4096) as never);
  }
  if (!NOT_ASCII.test(binary)) return binary;
  try {
    return decodeURIComponent(escape(binary));
  } catch {
    return decodeLossy(bytes);
  }
}

/** C text: what is before the first NUL. */
export function cText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeText(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Text as UTF-8. */
export function encodeText(text: string): Uint8Array {
  const binary = NOT_ASCII.test(text) ? unescape(encodeURIComponent(text.toWellFormed())) : text;
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** As the Unicode standard recommends: one U+FFFD for each longest part of a sequence. */
function decodeLossy(bytes: Uint8Array): string {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at++]!;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first >= 0xc2 && first < 0xe0 ? 1 : first >> 4 === 0xe ? 2 : 3;
    let point = first & (0x3f >> more);
    let valid = first >= 0xc2 && first <= 0xf4;
    for (let index = 0; valid && index < more; index++) {
      const next = bytes[at] ?? 0;
      const [low, high] = index === 0 ? secondByte(first) : [0x80, 0xbf];
      valid = next >= low && next <= high;
      if (valid) {
        point = (point << 6) | (next & 0x3f);
        at++;
      }
    }
    text += valid ? String.fromCodePoint(point) : "\ufffd";
  }
  return text;
}

/** Between what the second byte of a sequence lies: no surrogates, nothing overlong. */
function secondByte(first: number): [number, number] {
  switch (first) {
    case 0xe0:
      return [0xa0, 0xbf];
    case 0xed:
      return [0x80, 0x9f];
    case 0xf0:
      return [0x90, 0xbf];
    case 0xf4:
      return [0x80, 0x8f];
    default:
      return [0x80, 0xbf];
  }
}
