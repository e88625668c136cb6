/**
 * The status page: one file of HTML with its style and its script, which reads the agent's API. A browser is told to
 * run nothing but these two, and to ask nobody but the agent.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"

// the build puts the text in the place of this call
export const html: string = readFileSync(new URL("./page.html", import.meta.url), "utf8")

/** What stands between the tags of this name. */
const inside = (tag: "script" | "style"): ReadonlyArray<string> =>
  Array.from(html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, "gs")), ([, text = ""]) => text)

const hashes = (tag: "script" | "style"): string =>
  inside(tag).map((text) => `'sha256-${createHash("sha256").update(text, "utf8").digest("base64")}'`).join(" ")

/** What the page may load and run. */
export const policy: string = [
  "default-src 'none'",
  `script-src ${hashes("script")}`,
  `style-src ${hashes("style")}`,
  "connect-src 'self'",
  // the icon in it
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // text never becomes HTML or script, also by a mistake of ours
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

const page = Effect.sync(() =>
  HttpServerResponse.text(html, {
    contentType: "text/html; charset=utf-8",
    headers: { "content-security-policy": policy }
  })
)

/** Answers `/` with the page. */
export const route: Layer.Layer<never, never, HttpRouter.HttpRouter> = HttpRouter.add("GET", "/", page)
