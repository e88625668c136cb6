import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { html, policy } from "../../../src/agent/page/Page.ts"

const sha = (text: string) => createHash("sha256").update(text, "utf8").digest("base64")

describe("the status page", () => {
  it("loads nothing from elsewhere", () => {
    const addresses = [...html.matchAll(/\b(?:src|href|action|srcset)="([^"]*)"/g)].map(([, to = ""]) => to)
    assert.isAbove(addresses.length, 2)
    const outside = addresses.filter((to) => !/^(#|data:|\/(openapi\.json|metrics)$|\/v1\/)/.test(to))
    assert.deepStrictEqual(outside, [])
    assert.notMatch(html, /@import|url\(|<iframe|<object|<embed|import\(/)
  })

  it("puts in what others say as text alone", () => {
    assert.notMatch(
      html,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|DOMParser/
    )
    // no handler and no style in an attribute: the policy would not let them work
    assert.notMatch(html, /<[^>]+\s(on\w+|style)=/)
  })

  it("has a policy that lets its one script and its one style run, and nothing else", () => {
    const [, script = ""] = /<script>([^]*?)<\/script>/.exec(html) ?? []
    const [, style = ""] = /<style>([^]*?)<\/style>/.exec(html) ?? []
    assert.isAbove(script.length, 1000)
    assert.strictEqual(html.match(/<script/g)?.length, 1)
    assert.strictEqual(html.match(/<style/g)?.length, 1)
    assert.include(policy, `script-src 'sha256-${sha(script)}';`)
    assert.include(policy, `style-src 'sha256-${sha(style)}';`)
    assert.include(policy, "default-src 'none'")
    assert.notInclude(policy, "unsafe")
  })

  it("is written in plain text that a browser reads as what it is", () => {
    assert.match(html, /^<!doctype html>\n<html lang="en">\n<meta charset="utf-8">/)
    for (const [at, line] of html.split("\n").entries()) assert.notMatch(line, /\p{Cc}|\p{Cf}/u, `line ${at + 1}`)
  })
})
