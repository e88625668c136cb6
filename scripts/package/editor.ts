/**
 * What an editor shows when the mouse rests on a word: TypeScript's own language server is asked, over the Language
 * Server Protocol.
 */
import { spawn } from "node:child_process"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"

interface Message {
  readonly id?: number | string
  readonly method?: string
  readonly params?: { readonly items?: ReadonlyArray<unknown> }
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** Cuts a stream of bytes into messages, each behind a header with its length. */
const reader = (onMessage: (message: Message) => void) => {
  let bytes: Buffer = Buffer.alloc(0)
  return (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    for (;;) {
      const head = bytes.indexOf("\r\n\r\n")
      const [, length] = /Content-Length: (\d+)/i.exec(bytes.toString("latin1", 0, Math.max(0, head))) ?? []
      const end = head + 4 + Number(length)
      if (head < 0 || bytes.length < end) return
      const text = bytes.toString("utf8", head + 4, end)
      bytes = bytes.subarray(end)
      onMessage(JSON.parse(text))
    }
  }
}

/** Milliseconds after which a server that does not answer is ended: it takes a few thousand. */
const PATIENCE = 50_000

/**
 * The texts shown over the places marked with `▸` in the source of a file in `folder`, which need not exist. Fails when
 * the server ends before it has answered.
 */
export const hovers = async (folder: string, file: string, marked: string): Promise<ReadonlyArray<string>> => {
  const binary = Path.join(folder, "node_modules/typescript/bin/tsc")
  const server = spawn(process.execPath, [binary, "--lsp", "--stdio"], {
    stdio: "pipe",
    signal: AbortSignal.timeout(PATIENCE)
  })
  const waiting = new Map<number | string, (message: Message) => void>()
  let complaints = ""
  server.stderr.on("data", (chunk) => void (complaints += String(chunk)))
  const ended = new Promise<void>((resolve) => {
    server.on("exit", () => resolve())
  })
  const failed = new Promise<never>((_, reject) => {
    server.on("error", reject)
    server.on("exit", () => reject(new Error(`the language server ended: ${complaints}`)))
  })
  // whoever asks is told; when nobody does, it may end
  failed.catch(() => {})

  const send = (message: object) => {
    const text = JSON.stringify({ jsonrpc: "2.0", ...message })
    server.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
  }
  server.stdout.on(
    "data",
    reader((message) => {
      if (message.id === undefined) return
      if (message.method === undefined) waiting.get(message.id)?.(message)
      // it asks for settings, and takes none for its own
      else send({ id: message.id, result: message.params?.items?.map(() => null) ?? null })
    })
  )
  let asked = 0
  const ask = (method: string, params: object) => {
    const id = ++asked
    const answer = new Promise<Message>((resolve) => void waiting.set(id, resolve))
    send({ id, method, params })
    return Promise.race([answer, failed])
  }

  try {
    await ask("initialize", {
      processId: process.pid,
      rootUri: pathToFileURL(folder).href,
      capabilities: { textDocument: { hover: { contentFormat: ["plaintext"] } } }
    })
    send({ method: "initialized", params: {} })
    const [first = "", ...parts] = marked.split("▸")
    const uri = pathToFileURL(Path.join(folder, file)).href
    const text = [first, ...parts].join("")
    send({
      method: "textDocument/didOpen",
      params: { textDocument: { uri, languageId: "typescript", version: 1, text } }
    })
    const shown: Array<string> = []
    let before = first
    for (const part of parts) {
      const lines = before.split("\n")
      const position = { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 }
      const { error, result } = await ask("textDocument/hover", { textDocument: { uri }, position })
      if (error !== undefined) throw new Error(error.message)
      shown.push((result as { readonly contents: { readonly value: string } } | null)?.contents.value ?? "")
      before += part
    }
    await ask("shutdown", {})
    send({ method: "exit" })
    await ended
    return shown
  } finally {
    server.kill()
  }
}
