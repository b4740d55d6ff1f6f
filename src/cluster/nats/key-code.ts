/**
 * Keys of ours as keys of NATS, which allow letters, digits and `-_=./` only: everything else is written as `=` and two hex
 * digits for each byte, as in quoted-printable. A dot would part the key into words, so it is written so too.
 */
export function encodeKey(key: string): string {
  if (key === '') return '=';
  let text = '';
  for (const byte of new TextEncoder().encode(key)) {
    const char = String.fromCharCode(byte);
    text += /[A-Za-z0-9_-]/.test(char) ? char : `=${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}

export function decodeKey(text: string): string {
  if (text === '=') return '';
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '=') {
      bytes.push(Number.parseInt(text.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(text.charCodeAt(at));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
