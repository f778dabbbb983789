// Server-sent events, read from a response of `fetch`, because `EventSource` cannot present a token.

/**
 * Calls `receive(id, data)` for each message of the response until it ends. `id` is that of the message or of the last one that
 * had one, and empty before.
 */
export async function messages(response, receive) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let [pending, id, data] = ["", "", []];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    // Chunks are cut anywhere: what follows the last line break waits for the next one.
    const lines = (pending + value).split("\n");
    pending = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (data.length) receive(id, data.join("\n"));
        data = [];
      } else if (line.startsWith("data:")) {
        data.push(line.slice(line[5] === " " ? 6 : 5));
      } else if (line.startsWith("id:")) {
        id = line.slice(3).trim();
      }
    }
  }
}
