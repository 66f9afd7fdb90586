/** Keeps secrets out of what a keeper writes. */

const MASK = "…";
/** Shorter ones are no secrets, and would blacken common words. */
const SHORTEST = 8;

export type Redact = (text: string) => string;

/**
 * @param secrets Keys, passwords, and URLs: of a URL the user, the password, the path and the values of its query are
 * secret, its host is not.
 */
export function redactor(secrets: readonly (string | undefined)[]): Redact {
  const words = new Set<string>();
  for (const secret of secrets) {
    if (secret === undefined) continue;
    for (const word of isUrl(secret) ? partsOf(secret) : [secret, secret.replace(/^0x/, "")]) {
      if (word.length < SHORTEST) continue;
      words.add(word);
      words.add(word.toLowerCase());
      words.add(encodeURIComponent(word));
      // As it looks inside a line of JSON.
      words.add(JSON.stringify(word).slice(1, -1));
    }
  }
  // The longest first, so that no part is left of one that holds another.
  const sorted = [...words].sort((a, b) => b.length - a.length);
  return (text) => sorted.reduce((rest, word) => rest.replaceAll(word, MASK), text);
}

function isUrl(text: string): boolean {
  return URL.canParse(text) && text.includes("://");
}

function partsOf(text: string): string[] {
  const { username, password, pathname, searchParams, href } = new URL(text);
  const hidden = [
    decodeURIComponent(username),
    decodeURIComponent(password),
    ...pathname.split("/"),
    ...searchParams.values(),
  ];
  return [...hidden, ...(pathname === "/" && username === "" && searchParams.size === 0 ? [] : [text, href, pathname])];
}
