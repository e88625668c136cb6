/**
 * Who may ask what: rules without a network. A browser asks in the name of whoever sits before it, whatever page tells
 * it to. So a request without the token must come under the agent's own address (a name that an attacker points at this
 * machine is none: DNS rebinding) and from no other site's page (cross-site requests).
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import { createHash, timingSafeEqual } from "node:crypto"
import * as Address from "../../base/Address.ts"
import * as Refusal from "../Refusal.ts"

/** What is asked of callers. */
export interface Policy {
  /** Whether only programs of this machine can reach the API. */
  readonly isLocal: boolean
  /** The digest of the token; `undefined` without one. */
  readonly token: Buffer | undefined
}

/** A request as far as it matters here. Headers have lower-case names. */
export interface Caller {
  readonly method: string
  /** The path, with or without a query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
}

const digest = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest()

/** Whether an address is this machine's own, which no other machine reaches. */
export const isLoopback = (host: string): boolean => host === "localhost" || Address.isLoopback(host)

/** Returns what is asked of callers of an API at this address. */
export const policyOf = (host: string, token: Redacted.Redacted | undefined): Policy => ({
  isLocal: isLoopback(host),
  token: token === undefined ? undefined : digest(Redacted.value(token))
})

/** Told to everybody: no more than that the agent runs, and what its API looks like. */
const open: ReadonlySet<string> = new Set(["/", "/health/live", "/health/ready", "/openapi.json"])

/** Returns the path without its query. */
export const pathOf = (url: string): string => url.replace(/[?#].*$/, "")

const reads = (method: string): boolean => method === "GET" || method === "HEAD"

/** Whether it asks for one word, which is always answered. */
export const isProbe = ({ method, url }: Pick<Caller, "method" | "url">): boolean =>
  reads(method) && pathOf(url).startsWith("/health/")

/** Whether the path may be that of a topic, however it is written: who reads one makes the agent take part in it. */
const isTopic = (path: string): boolean => {
  try {
    return /^\/+v1\/+topics\b/i.test(decodeURIComponent(path))
  } catch {
    return true
  }
}

/** Whether the call needs the token: each that changes something, and where others can ask, those that read too. */
const needsToken = ({ isLocal, token }: Policy, { method, url }: Caller): boolean => {
  const path = pathOf(url)
  return token !== undefined && !(reads(method) && (isLocal ? !isTopic(path) : open.has(path)))
}

/** Whether the request has the token. Digests have one length, so that nothing is told by how long it takes. */
const hasToken = ({ token }: Policy, authorization: string | undefined): boolean => {
  const given = /^Bearer +(.*)$/i.exec(authorization ?? "")?.[1]
  return token !== undefined && given !== undefined && timingSafeEqual(token, digest(given))
}

/** The name or the address in a `Host` header, without its port. */
const hostOf = (header: string): string => header.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1").toLowerCase()

const foreignHost = (header: string | undefined): Refusal.OriginRefused | undefined =>
  header !== undefined && isLoopback(hostOf(header)) ? undefined : new Refusal.OriginRefused({
    header: "Host",
    value: header ?? "",
    expected: "localhost or a loopback address, because the agent serves this machine alone"
  })

/** Whether the request was sent by a page of another site, or of a file. */
const foreignOrigin = ({ headers, method, url }: Caller): Refusal.OriginRefused | undefined => {
  const { host, origin, "sec-fetch-mode": mode, "sec-fetch-site": site } = headers
  const expected = "a page of the agent's own, or a program with the token"
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return new Refusal.OriginRefused({ header: "Origin", value: origin, expected })
  }
  const isFromElsewhere = site !== undefined && site !== "same-origin" && site !== "none"
  // a link to the page may be followed from anywhere
  const isVisit = reads(method) && mode === "navigate" && pathOf(url) === "/"
  return isFromElsewhere && !isVisit
    ? new Refusal.OriginRefused({ header: "Sec-Fetch-Site", value: site, expected })
    : undefined
}

const otherContent = ({ headers, method }: Caller): Refusal.ContentTypeRefused | undefined => {
  const value = headers["content-type"]
  if (reads(method) || value === undefined || /^application\/json *(;|$)/i.test(value)) return undefined
  return new Refusal.ContentTypeRefused({ value })
}

/** Why a request is refused before anything is done; `undefined` when it is not. */
export const objection = (
  policy: Policy,
  caller: Caller
): Refusal.OriginRefused | Refusal.TokenRequired | Refusal.ContentTypeRefused | undefined => {
  const { authorization } = caller.headers
  const isKnown = hasToken(policy, authorization)
  if (!isKnown) {
    // where others can ask, all that matters needs the token, which a browser does not send by itself
    const foreign = (policy.isLocal ? foreignHost(caller.headers["host"]) : undefined) ?? foreignOrigin(caller)
    if (foreign !== undefined) return foreign
    if (needsToken(policy, caller)) return new Refusal.TokenRequired({ given: authorization !== undefined })
  }
  return otherContent(caller)
}
