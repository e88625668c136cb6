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

  it("can be read by those who see little contrast, in light and in dark", () => {
    const channel = (value: number) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    const luminance = (colour: string) => {
      const digits = colour.length === 3 ? colour.replace(/./g, "$&$&") : colour
      const [r = 0, g = 0, b = 0] = [0, 2, 4].map((at) => channel(parseInt(digits.slice(at, at + 2), 16) / 255))
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const palette = new Map(
      [...html.matchAll(/--(\w+): light-dark\(#(\w+), #(\w+)\)/g)]
        .map(([, name = "", light = "", dark = ""]) => [name, [luminance(light), luminance(dark)] as const])
    )
    const contrast = (name: string, ground: string, theme: 0 | 1) => {
      const [a = 0, b = 0] = [palette.get(name)?.[theme], palette.get(ground)?.[theme]]
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    }
    // WCAG 2.2: 4.5 for text (1.4.3), 3 for the edges of what can be used (1.4.11)
    const wanted = { text: 4.5, dim: 4.5, action: 4.5, good: 4.5, warn: 4.5, bad: 4.5, gone: 4.5, gossip: 4.5, edge: 3 }
    for (const [name, least] of Object.entries(wanted)) {
      for (const ground of ["card", "page"]) {
        for (const theme of [0, 1] as const) {
          assert.isAtLeast(contrast(name, ground, theme), least, `${name} on ${ground}, ${["light", "dark"][theme]}`)
        }
      }
    }
  })
})
