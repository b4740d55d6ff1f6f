/**
 * How a source may be shown: on pages, in events, in errors. Credentials are left out, and so are the values of query
 * parameters that look like some; cameras take their password there as often as not.
 */
const SECRET = /user|usr|login|account|pass|pwd|token|key|auth|secret|sig|sess|sid/i;

export function sourceLabel(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.hash = '';
  // By hand and not by `searchParams`, which would write the rest of the query anew.
  const query = shown.search.slice(1).split('&').map(hideValue).join('&');
  shown.search = query;
  return shown.href;
}

/** The texts that a label leaves out, as they stand in the URL and decoded, for whoever repeats what others say of it. */
export function secretsOf(url: URL): readonly string[] {
  const hidden = url.search
    .slice(1)
    .split('&')
    .filter((parameter) => hideValue(parameter) !== parameter)
    .map((parameter) => parameter.slice(parameter.indexOf('=') + 1));
  return [url.username, url.password, ...hidden].flatMap((text) => [text, decoded(text)]).filter((text) => text !== '');
}

function hideValue(parameter: string): string {
  const [name = '', ...value] = parameter.split('=');
  return value.length > 0 && SECRET.test(name) ? `${name}=***` : parameter;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not in percent-encoding: what stands there is all there is.
    return text;
  }
}
