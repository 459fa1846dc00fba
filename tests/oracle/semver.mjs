// Random questions about versions and ranges, with the answers of npm's own package.
//
//     node semver.mjs MODULES SEED CASES
//
// MODULES is a folder whose node_modules has the package. Prints CASES lines of JSON, in the shape that
// `forge plumbing semver` reads and with what it must answer as `expected`; the same SEED prints the same lines.
//
// Where the package throws, `expected` is null, or false of a question that asks for yes or no. One thing of the package is
// changed: it compares identifiers that are numbers past 2^53 as floating point, forge compares them exactly. And one kind of
// text is not asked about: a version that the package reads loosely, without the dash of its prerelease, and then writes with
// it, one character longer than it reads; some of its functions read again what they wrote.

import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const [modules, seed, cases] = process.argv.slice(2)
const require = createRequire(resolve(modules, 'package.json'))

// ---- the package ----

const identifiers = require('semver/internal/identifiers')
const compareAsNumbers = identifiers.compareIdentifiers
const isExact = (digits) => BigInt(digits) <= BigInt(Number.MAX_SAFE_INTEGER)

// Before the package's classes are loaded, since they take the function and not its place.
identifiers.compareIdentifiers = (a, b) => {
  if (![a, b].every((one) => /^[0-9]+$/.test(one)) || (isExact(a) && isExact(b))) {
    return compareAsNumbers(a, b)
  }
  return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0
}
const semver = require('semver')

const MAX_LENGTH = 256
const format = semver.SemVer.prototype.format
let overlong

semver.SemVer.prototype.format = function () {
  const text = format.call(this)
  overlong ||= this.loose && text.length > MAX_LENGTH
  return text
}

// ---- dice ----

const state = new Uint32Array([Number(seed), 0x9e3779b9, 0x243f6a88, 1])

const random = () => { // sfc32
  const sum = state[0] + state[1] + state[3]++
  state[0] = state[1] ^ (state[1] >>> 9)
  state[1] = state[2] + (state[2] << 3)
  state[2] = ((state[2] << 21) | (state[2] >>> 11)) + sum
  return (sum >>> 0) / 2 ** 32
}
for (let round = 0; round < 20; round++) {
  random()
}
const below = (count) => Math.floor(random() * count)
const chance = (share) => random() < share
const pick = (list) => list[below(list.length)]
const repeat = (least, most, make) => Array.from({ length: least + below(most - least + 1) }, make)

/** One of [weight, make] pairs, made. */
const choose = (...pairs) => {
  let at = random() * pairs.reduce((sum, [weight]) => sum + weight, 0)
  return (pairs.find(([weight]) => (at -= weight) < 0) ?? pairs[0])[1]()
}

// ---- texts ----

const ODD_NUMBERS = ['9007199254740990', '9007199254740991', '9007199254740992', '9007199254740993', '18446744073709551615',
  '18446744073709551616', '999999999999999999999', '1000000000000000000000', '3000000000000000000000', '12345678901234567890123',
  '00', '01', '007', '0009007199254740991', '9999999999999999', '99999999999999999']
const WORDS = ['alpha', 'beta', 'rc', 'pre', 'a', 'b', 'x', 'X', 'v', 'xv', 'A', 'Z', 'z', '-', '--', '-1', '1-', '0', '1', '2', '10',
  '0a', '01a', '1e5', '1e-3', '-1e5', '0x1f', '0b2', '0o7', 'Infinity', '-Infinity', 'NaN', 'e', '00', '01',
  '9007199254740990', '9007199254740991', '9007199254740992', '9007199254740993', '0009007199254740993', '90071992547409919']
const SPACES = [' ', ' ', ' ', '  ', '\t', '\n', '\v', '\f', '\r', '\u00a0', '\u1680', '\u2003', '\u2028', '\u202f', '\u3000', '\ufeff']
const PIECES = ['0', '1', '1', '2', '01', 'x', '*', 'v', 'a', '.', '.', '.', '-', '+', '~', '^', '<', '>', '=', ' ', ' ', '|', '||', ' - ']
const GARBAGE = [...'0123456789.-+~^<>=|*xXvV ,_!/()ae\t\u00a0\u0085\u200bé世😀', '||', ' || ', ' - ', '..', '>=', '<=']
const OPERATORS = ['', '', '', '=', '<', '<=', '>', '>=', '~', '~>', '^']
const ODD_OPERATORS = ['==', '=>', '=<', '<>', '><', '>==', '=v', 'v', 'vv', '~=', '~>=', '^=', '^^', '~~', '^~', '~^', '~ >', '> =', '!', '!=']
const ANY = ['x', 'X', '*']

// Numbers and words that the texts of one question share, so that they meet.
let numbers, words

const draw = () => {
  numbers = repeat(2, 3, () => String(chance(0.8) ? below(4) : below(100)))
  words = repeat(1, 3, () => pick(WORDS))
}
const digits = (count) => Array.from({ length: count }, () => below(10)).join('')
const longDigits = () => digits(choose([6, () => 15 + below(10)], [2, () => 20 + below(300)], [2, () => 250 + below(12)]))
const number = () => choose([90, () => pick(numbers)], [20, () => String(below(5))], [2, () => pick(ODD_NUMBERS)],
  [0.3, longDigits], [0.3, () => '0' + below(20)])
const longWord = () => 'a1-'.repeat(100).slice(0, pick([100, 200, 239, 240, 241, 243, 244, 245, 248, 249, 250, 251, 252, 300]))
const identifier = () => choose([60, () => pick(words)], [25, () => String(below(4))], [15, () => pick(WORDS)], [0.4, longWord],
  [0.3, longDigits], [3, () => repeat(1, 4, () => pick([...'0123abcXx-'])).join('')])
const dotted = () => repeat(1, choose([6, () => 1], [4, () => 2], [1, () => 4]), identifier).join('.')
const space = () => pick(SPACES)
const maybeSpace = () => chance(0.1) ? space() : ''
const tail = (pre, dash) => (chance(pre) ? (chance(dash) ? '-' : '') + dotted() : '') + (chance(0.12) ? '+' + dotted() : '')
const triple = () => [number(), number(), number()].join('.')

const mutated = (text) => {
  const units = [...text]
  for (let left = 1 + below(2); left > 0; left--) {
    const at = below(units.length + 1)
    units.splice(at, chance(0.5) ? 1 : 0, ...(chance(0.7) ? [pick(GARBAGE)] : []))
  }
  return units.join('')
}
const perhapsMutated = (share, text) => chance(share) ? mutated(text) : text

const garbage = () => repeat(0, 8, () => pick(GARBAGE)).join('')
const pieces = () => repeat(1, 14, () => pick(PIECES)).join('')
const looseVersion = () => repeat(0, 3, () => pick(['v', '=', ' ', '', space()])).join('') + triple() + tail(0.6, 0.4)
const padded = (text) => pick([' ', '\u00a0', 'v', '=', '0']).repeat(Math.max(0, pick([250, 255, 256, 257, 258, 300]) - text.length))
  + text
const version = () => perhapsMutated(0.04, choose(
  [70, () => triple() + tail(0.4, 1)],
  [5, () => maybeSpace() + pick(['v', '=', '', '=v', 'V']) + triple() + tail(0.4, 1) + maybeSpace()],
  [12, looseVersion],
  [2, () => [triple(), number()].join('.')],
  [2, () => partial(0.3)],
  [1, garbage],
  [2, pieces],
  [0.5, () => padded(triple() + tail(0.5, 0.7))]))

const place = (any) => chance(any) ? pick(ANY) : number()
const partial = (any = 0.12) => choose(
  [30, () => [number(), number(), number()].join('.') + tail(0.35, 0.9)],
  [20, () => [place(any), place(any), place(any * 2)].join('.') + tail(0.15, 0.9)],
  [15, () => [place(any), place(any)].join('.')],
  [10, () => place(any)],
  [2, () => [number(), number(), number(), number()].join('.')])
const operator = () => chance(0.06) ? pick(ODD_OPERATORS) : pick(OPERATORS)
const comparator = () => operator() + maybeSpace() + (chance(0.04) ? pick(['v', '=', '= ', 'v ', '=v']) : '') + partial()
const hyphen = () => partial() + pick([' - ', ' - ', ' - ', '  -  ', ' -\t', '- ', ' -']) + maybeSpace() + partial()
const alternative = () => choose(
  [20, hyphen],
  [45, comparator],
  [30, () => repeat(2, 3, comparator).join(chance(0.95) ? ' ' : pick(['', ',', space(), ' , ']))],
  [5, () => pick(['<', '<=']) + triple() + ' ' + pick(['>', '>=']) + triple()],
  [4, () => pick(['', '*', 'x', ' ', '>=0.0.0', '>=0.0.0-0', '<0.0.0-0', '<0.0.0', '>*', '<x', '<=*', '=*', '>=*', 'latest'])],
  [2, garbage],
  [6, pieces])
const longRange = () => repeat(5, 40, alternative).join(pick(['||', ' || ', ' ']))
const range = () => perhapsMutated(0.05, choose(
  [50, alternative],
  [40, () => repeat(2, 3, alternative).join(pick(['||', ' || ', ' || ', ' ||', '|| ', ' | ', '|||']))],
  [0.5, longRange])).slice(0, 1000)

// A range that has something to do with another one: the same, some of it, or a change of it.
const relative = (text) => choose([50, range], [10, () => text], [10, () => ' ' + text], [10, () => mutated(text)],
  [10, () => `${text} || ${alternative()}`], [10, () => `${text} ${comparator()}`], [5, () => pick(text.split('||'))],
  [5, () => `${range()}||${text}`])
const plainComparator = () => perhapsMutated(0.05, chance(0.03) ? pick(['', ' ', '*', '>', '<0.0.0-0', '>=0.0.0'])
  : maybeSpace() + (chance(0.1) ? operator() : pick(['', '=', '<', '<=', '>', '>='])) + maybeSpace() + (chance(0.2) ? looseVersion() : triple() + tail(0.35, 1)) + maybeSpace())
const versions = () => repeat(0, choose([10, () => 8], [1, () => 40]), version)
const validVersions = () => repeat(0, 12, () => triple() + tail(0.3, 1))
const someVersions = () => chance(0.5) ? versions() : validVersions()
const prose = () => repeat(1, 5, () => choose([4, () => [number(), number(), number(), number()].slice(0, 1 + below(4)).join('.')],
  [4, () => [number(), number(), number(), number()].slice(0, 1 + below(4)).join('.') + tail(0.6, 1)], [1, version], [1, garbage],
  [1, longDigits], [1, dotted])).join(pick([' ', '', '.', '-', ' to ', 'v', '/', '+', 'é']))
const releases = ['major', 'minor', 'patch', 'premajor', 'preminor', 'prepatch', 'prerelease', 'pre', 'release']
const release = () => chance(0.98) ? pick(releases) : pick(['', 'prefoo', 'Major', 'build'])

// ---- questions ----

const whole = (found) => found && found.version + (found.build.length ? '+' + found.build.join('.') : '')
const parsed = (found) => found && (({ major, minor, patch, prerelease, build }) => ({ major, minor, patch, prerelease, build }))(found)
const one = () => ({ version: version() })
const two = () => ({ a: version(), b: version() })
const rangeAnd = (make) => () => ({ range: range(), ...make() })
const best = () => ({ range: range(), versions: someVersions() })

// name: [weight, input, answer, answer where the package throws]
const operations = {
  valid: [1, one, (i, o) => semver.valid(i.version, o), null],
  parse: [4, one, (i, o) => parsed(semver.parse(i.version, o)), null],
  prerelease: [1, one, (i, o) => semver.prerelease(i.version, o), null],
  clean: [2, one, (i, o) => semver.clean(i.version, o), null],
  coerce: [4, () => ({ version: chance(0.8) ? prose() : version(), rtl: chance(0.5) }),
    (i, o) => whole(semver.coerce(i.version, { ...o, rtl: i.rtl })), null],
  truncate: [1, () => ({ ...one(), release: release() }), (i, o) => semver.truncate(i.version, i.release, o), null],
  inc: [6, () => ({
    ...one(), release: release(), identifier: choose([3, () => null], [1, () => ''], [4, dotted], [0.3, garbage]),
    identifierBase: pick([null, null, false, true, 0, 1, 2, '0', '1', '2', '01', 'x', '']),
  }), (i, o) => semver.inc(i.version, i.release, o, i.identifier, i.identifierBase), null],
  diff: [3, two, (i) => semver.diff(i.a, i.b), null],
  compare: [5, two, (i, o) => semver.compare(i.a, i.b, o), null],
  compareBuild: [4, two, (i, o) => semver.compareBuild(i.a, i.b, o), null],
  sort: [2, () => ({ versions: someVersions() }), (i, o) => semver.sort([...i.versions], o), null],
  maxSatisfying: [3, best, (i, o) => semver.maxSatisfying(i.versions, i.range, o), null],
  minSatisfying: [3, best, (i, o) => semver.minSatisfying(i.versions, i.range, o), null],
  simplifyRange: [3, best, (i, o) => semver.simplifyRange([...i.versions], i.range, o), null],
  satisfies: [14, rangeAnd(one), (i, o) => semver.satisfies(i.version, i.range, o), false],
  gtr: [6, rangeAnd(one), (i, o) => semver.gtr(i.version, i.range, o), false],
  ltr: [6, rangeAnd(one), (i, o) => semver.ltr(i.version, i.range, o), false],
  validRange: [14, () => ({ range: range() }), (i, o) => semver.validRange(i.range, o), null],
  minVersion: [6, () => ({ range: range() }), (i, o) => semver.minVersion(i.range, o)?.version ?? null, null],
  intersects: [7, () => { const a = range(); return { a, b: relative(a) } }, (i, o) => semver.intersects(i.a, i.b, o), false],
  comparatorIntersects: [5, () => ({ a: plainComparator(), b: plainComparator() }),
    (i, o) => new semver.Comparator(i.a, o).intersects(new semver.Comparator(i.b, o), o), null],
  subset: [8, () => { const dom = range(); return { sub: relative(dom), dom } }, (i, o) => semver.subset(i.sub, i.dom, o), false],
}
const OPTIONS = [{}, {}, {}, {}, { loose: true }, { loose: true }, { includePrerelease: true }, { loose: true, includePrerelease: true }]

const answer = (ask, input, options, otherwise) => {
  try {
    return ask(input, options)
  } catch {
    return otherwise
  }
}
const question = (id) => {
  draw()
  const [op, [, make, ask, otherwise]] = choose(...Object.entries(operations).map((one) => [one[1][0], () => one]))
  const input = make()
  const options = pick(OPTIONS)
  overlong = false
  const expected = answer(ask, input, options, otherwise)
  return overlong ? question(id) : { id, op, input, options, expected }
}

// Stops asking while nobody reads, and when nobody does any more.
const lines = function * () {
  for (let left = Number(cases), id = 0; left > 0;) {
    let text = ''
    for (let more = Math.min(left, 1000); more > 0; more--, left--) {
      text += JSON.stringify(question(id++)) + '\n'
    }
    yield text
  }
}
for (const text of lines()) {
  if (!process.stdout.write(text)) {
    await new Promise((written) => process.stdout.once('drain', written))
  }
}
