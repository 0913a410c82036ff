/** Invented comments for the demonstration, handed in as readers do it. */

const REASONS = { attack: 'personal_attack', promotion: 'promotion.commercial' };

/** Language of the page, name, text, and what becomes of it; without a fate it stays in the queue. */
export const COMMENTS = [
  ['en', 'Mara', 'At last! My bus to the university takes fifty minutes. When does the first tram run?', 'approved'],
  ['ckb', 'شیلان', 'هەواڵێکی خۆشە. ئایا هێڵەکە تا بازاڕیش دەڕوات؟', 'approved'],
  ['ar', 'سلمى', 'خبر رائع، لكن أين سيوقف الناس سياراتهم أثناء الأشغال؟', 'approved'],
  ['tr', 'Deniz', 'Güzel haber. Duraklar tekerlekli sandalyeye uygun olacak mı?', 'approved'],
  ['en', 'Rob', 'You are an idiot if you believe that it will be ready in two years.', 'attack'],
  ['ku', 'Rojda', 'Nûçeyeke xweş e. Gelo bilêt dê çiqas be?', 'approved'],
  ['en', 'best_deals', 'CHEAP WATCHES!!! Best prices, today only: watches.example', 'promotion'],
  ['en', 'Ada', 'The mayor said 2028. I would rather have a bicycle path now.', 'approved'],
  ['en', 'Jo', 'Does anybody know a good dentist in town?'],
  ['ckb', 'هێمن', 'تکایە وێستگەیەک لە نزیک نەخۆشخانەکە دابنێن.'],
  ['ckb', 'دلێر', 'تۆ گەمژەیت، هیچ لەم شارە تێناگەیت.'],
  ['tr', 'saatci', 'Ucuz saat almak isteyenler sitemize baksın: saat.example'],
  ['ar', 'كريم', 'هل يعرف أحد نتيجة مباراة الأمس؟'],
  ['ku', 'Zîn', 'Ez hêvî dikim ku ji bo xwendekaran erzan be.'],
  ['en', 'Tom', 'The plan shows no trees on Oak Street any more. What a stupid plan! Keep the trees.'],
];

/** Writes one comment on the page at `url`; resolves to it as its author sees it, and the author's cookie. */
export async function write(url, language, name, body, cookie = '') {
  const answer = await fetch(`${url}/${language}/tram/comments`, {
    method: 'POST', body: new URLSearchParams({ name, body }), signal: AbortSignal.timeout(10000),
    headers: { Origin: url, Accept: 'application/json', ...(cookie && { Cookie: cookie }) },
  });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return { ...(await answer.json()).comment, cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? cookie };
}

/** Writes all comments, each by a reader of its own, and decides some: `modq(...arguments)` runs modq. */
export async function seed(url, site, modq) {
  for (const [language, name, body, fate] of COMMENTS) {
    const { id } = await write(url, language, name, body);
    if (fate === 'approved') await modq('approve', `${site}/${id}`);
    else if (fate) await modq('reject', `${site}/${id}`, '--reason', REASONS[fate]);
  }
}
