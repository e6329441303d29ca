/** `fetch` by a connection of its own: one that is kept may have been broken by a server that stood still or was killed. */
export function fetchAnew(url: string, options: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...options, headers: { ...(options.headers as Record<string, string>), connection: "close" } });
}
