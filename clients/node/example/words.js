/** What the page says, in its languages. `tag` is the language's BCP 47 tag, and its name in the policy of the daemon. */

export const LANGUAGES = {
  en: {
    tag: 'en', dir: 'ltr', self: 'English',
    paper: 'The Bridge', motto: 'News from the city', skip: 'Skip to the comments', languages: 'Languages',
    comments: 'Comments', none: 'No comments yet.', anonymous: 'A reader',
    write: 'Write a comment', name: 'Name', nameHint: 'optional', text: 'Your comment', send: 'Send', sending: 'Sending…',
    before: 'A moderator reads every comment before it appears here.',
    awaiting: 'Awaiting moderation. Until then only you can see it.', rejected: 'Not published.',
    refused: 'This comment could not be taken. You can change it and send it again.',
    edit: 'Edit', withdraw: 'Take back', withdrawn: 'You took your comment back.',
    editTitle: 'Edit your comment', editBefore: 'A moderator reads the new version before it appears.', save: 'Save', cancel: 'Cancel',
    report: 'Report', reason: 'What is wrong with it?', note: 'Anything to add?', sendReport: 'Report this comment',
    reported: 'Thank you. Your report has been passed on.',
    rules: 'House rules', rulesBefore: 'We read all comments before they appear. Keep to the article; criticism is welcome. We do not publish:',
    rulesAfter: 'We do not edit comments: they are published as they are, or not at all.', noRules: 'The house rules cannot be shown just now.',
    arrived: 'A new comment has appeared.', offline: 'The connection is interrupted. New comments will appear when it is back.',
    problems: {
      empty: 'Please write something.', long: 'This comment is too long. Please make it shorter.', broken: 'This text cannot be read. Please write it again.',
      pace: 'That was a lot at once. Please wait a minute and send it again.', origin: 'This did not come from our page. Please load the page again.',
      gone: 'This comment is no longer here.', edits: 'This comment cannot be changed any more.', disk: 'This could not be kept. Please send it again in a while.',
      network: 'This could not be sent. Please try again.', nothing: 'There is no such page.', fault: 'Something went wrong here. Please try again.',
    },
  },
  ckb: {
    tag: 'ckb', dir: 'rtl', self: 'کوردی',
    paper: 'پرد', motto: 'هەواڵەکانی شار', skip: 'بڕۆ بۆ کۆمێنتەکان', languages: 'زمانەکان',
    comments: 'کۆمێنتەکان', none: 'هێشتا هیچ کۆمێنتێک نییە.', anonymous: 'خوێنەرێک',
    write: 'کۆمێنتێک بنووسە', name: 'ناو', nameHint: 'ئارەزوومەندانە', text: 'کۆمێنتەکەت', send: 'بینێرە', sending: 'دەنێردرێت…',
    before: 'پێش ئەوەی کۆمێنتێک لێرە دەربکەوێت، بەڕێوەبەرێک دەیخوێنێتەوە.',
    awaiting: 'چاوەڕوانی پێداچوونەوەیە. تا ئەو کاتە تەنیا تۆ دەیبینیت.', rejected: 'بڵاو نەکرایەوە.',
    refused: 'ئەم کۆمێنتە وەرنەگیرا. دەتوانیت بیگۆڕیت و دووبارە بینێریت.',
    edit: 'دەستکاری', withdraw: 'بیکشێنەوە', withdrawn: 'کۆمێنتەکەت کشاندەوە.',
    editTitle: 'دەستکاریی کۆمێنتەکەت', editBefore: 'پێش ئەوەی دەقە نوێیەکە دەربکەوێت، بەڕێوەبەرێک دەیخوێنێتەوە.', save: 'پاشەکەوتی بکە', cancel: 'پاشگەزبوونەوە',
    report: 'سکاڵا', reason: 'چ کێشەیەکی هەیە؟', note: 'شتێکی تر هەیە بیڵێیت؟', sendReport: 'سکاڵا لەم کۆمێنتە بکە',
    reported: 'سوپاس. سکاڵاکەت گەیەندرا.',
    rules: 'ڕێساکانی ماڵپەڕ', rulesBefore: 'هەموو کۆمێنتەکان پێش دەرکەوتنیان دەخوێنینەوە. با پەیوەندییان بە بابەتەکەوە هەبێت؛ ڕەخنە بەخێر بێت. ئەمانە بڵاو ناکەینەوە:',
    rulesAfter: 'دەستکاریی کۆمێنت ناکەین: وەک خۆی بڵاو دەکرێتەوە، یان بڵاو ناکرێتەوە.', noRules: 'ئێستا ناتوانرێت ڕێساکان پیشان بدرێن.',
    arrived: 'کۆمێنتێکی نوێ دەرکەوت.', offline: 'پەیوەندی پچڕاوە. کە گەڕایەوە، کۆمێنتە نوێیەکان دەردەکەون.',
    problems: {
      empty: 'تکایە شتێک بنووسە.', long: 'ئەم کۆمێنتە زۆر درێژە. تکایە کورتی بکەوە.', broken: 'ئەم دەقە ناخوێنرێتەوە. تکایە دووبارە بینووسە.',
      pace: 'ئەوە زۆر بوو بەیەکجار. تکایە خولەکێک چاوەڕێ بکە و دووبارە بینێرە.', origin: 'ئەمە لە لاپەڕەی ئێمەوە نەهاتووە. تکایە لاپەڕەکە دووبارە بکەرەوە.',
      gone: 'ئەم کۆمێنتە چیتر لێرە نییە.', edits: 'ئەم کۆمێنتە چیتر ناگۆڕدرێت.', disk: 'نەتوانرا هەڵبگیرێت. تکایە دوای ماوەیەک دووبارە بینێرە.',
      network: 'نەتوانرا بنێردرێت. تکایە دووبارە هەوڵ بدە.', nothing: 'لاپەڕەیەکی وا نییە.', fault: 'هەڵەیەک ڕوویدا. تکایە دووبارە هەوڵ بدە.',
    },
  },
  ku: {
    tag: 'kmr', dir: 'ltr', self: 'Kurmancî',
    paper: 'Pir', motto: 'Nûçeyên bajêr', skip: 'Here şîroveyan', languages: 'Ziman',
    comments: 'Şîrove', none: 'Hîn şîrove tune ne.', anonymous: 'Xwendevanek',
    write: 'Şîroveyekê binivîse', name: 'Nav', nameHint: 'ne mecbûrî', text: 'Şîroveya te', send: 'Bişîne', sending: 'Tê şandin…',
    before: 'Berî ku şîroveyek li vir xuya bibe, moderatorek wê dixwîne.',
    awaiting: 'Li benda moderasyonê ye. Heta wê demê tenê tu dikarî wê bibînî.', rejected: 'Nehat weşandin.',
    refused: 'Ev şîrove nehat wergirtin. Tu dikarî wê biguherînî û dîsa bişînî.',
    edit: 'Biguherîne', withdraw: 'Paşve bikişîne', withdrawn: 'Te şîroveya xwe paşve kişand.',
    editTitle: 'Şîroveya xwe biguherîne', editBefore: 'Berî ku guhertoya nû xuya bibe, moderatorek wê dixwîne.', save: 'Tomar bike', cancel: 'Betal bike',
    report: 'Gilî bike', reason: 'Pirsgirêk çi ye?', note: 'Tiştekî din heye?', sendReport: 'Giliyê vê şîroveyê bike',
    reported: 'Spas. Giliyê te hat gihandin.',
    rules: 'Rêgezên malperê', rulesBefore: 'Em hemû şîroveyan berî ku xuya bibin dixwînin. Bila li ser gotarê bin; rexne bi xêr hatiye. Em van naweşînin:',
    rulesAfter: 'Em şîroveyan naguherînin: wekî xwe têne weşandin, an jî nayên weşandin.', noRules: 'Rêgez niha nayên nîşandan.',
    arrived: 'Şîroveyeke nû xuya bû.', offline: 'Girêdan qut bûye. Dema ku vegere, şîroveyên nû dê xuya bibin.',
    problems: {
      empty: 'Ji kerema xwe tiştekî binivîse.', long: 'Ev şîrove pir dirêj e. Ji kerema xwe wê kurt bike.', broken: 'Ev nivîs nayê xwendin. Ji kerema xwe ji nû ve binivîse.',
      pace: 'Ev bi carekê re pir bû. Ji kerema xwe deqeyekê bisekine û dîsa bişîne.', origin: 'Ev ji rûpela me nehatiye. Ji kerema xwe rûpelê ji nû ve veke.',
      gone: 'Ev şîrove êdî ne li vir e.', edits: 'Ev şîrove êdî nayê guhertin.', disk: 'Nehat parastin. Ji kerema xwe piştî demekê dîsa bişîne.',
      network: 'Nehat şandin. Ji kerema xwe dîsa biceribîne.', nothing: 'Rûpeleke wisa tune.', fault: 'Çewtiyek çêbû. Ji kerema xwe dîsa biceribîne.',
    },
  },
  ar: {
    tag: 'ar', dir: 'rtl', self: 'العربية',
    paper: 'الجسر', motto: 'أخبار المدينة', skip: 'انتقل إلى التعليقات', languages: 'اللغات',
    comments: 'التعليقات', none: 'لا تعليقات بعد.', anonymous: 'أحد القراء',
    write: 'اكتب تعليقًا', name: 'الاسم', nameHint: 'اختياري', text: 'تعليقك', send: 'أرسل', sending: 'جارٍ الإرسال…',
    before: 'يقرأ أحد المشرفين كل تعليق قبل ظهوره هنا.',
    awaiting: 'بانتظار المراجعة. لا يراه الآن أحد سواك.', rejected: 'لم يُنشر.',
    refused: 'تعذّر قبول هذا التعليق. يمكنك تعديله وإرساله من جديد.',
    edit: 'تعديل', withdraw: 'سحب', withdrawn: 'سحبتَ تعليقك.',
    editTitle: 'عدّل تعليقك', editBefore: 'يقرأ أحد المشرفين النص الجديد قبل ظهوره.', save: 'حفظ', cancel: 'إلغاء',
    report: 'إبلاغ', reason: 'ما المشكلة فيه؟', note: 'هل تود إضافة شيء؟', sendReport: 'أبلغ عن هذا التعليق',
    reported: 'شكرًا لك. وصل بلاغك.',
    rules: 'قواعد التعليق', rulesBefore: 'نقرأ جميع التعليقات قبل ظهورها. التزم بموضوع المقال؛ والنقد مرحّب به. لا ننشر ما فيه:',
    rulesAfter: 'لا نعدّل التعليقات: تُنشر كما هي أو لا تُنشر.', noRules: 'تعذّر عرض القواعد الآن.',
    arrived: 'ظهر تعليق جديد.', offline: 'انقطع الاتصال. ستظهر التعليقات الجديدة عند عودته.',
    problems: {
      empty: 'اكتب شيئًا من فضلك.', long: 'هذا التعليق طويل جدًا. اختصره من فضلك.', broken: 'تعذّرت قراءة هذا النص. اكتبه من جديد من فضلك.',
      pace: 'هذا كثير دفعة واحدة. انتظر دقيقة ثم أرسله من جديد.', origin: 'لم يأتِ هذا من صفحتنا. أعد تحميل الصفحة من فضلك.',
      gone: 'لم يعد هذا التعليق هنا.', edits: 'لم يعد تعديل هذا التعليق ممكنًا.', disk: 'تعذّر الحفظ. أعد الإرسال بعد قليل من فضلك.',
      network: 'تعذّر الإرسال. حاول من جديد من فضلك.', nothing: 'لا توجد صفحة كهذه.', fault: 'حدث خطأ هنا. حاول من جديد من فضلك.',
    },
  },
  tr: {
    tag: 'tr', dir: 'ltr', self: 'Türkçe',
    paper: 'Köprü', motto: 'Kentten haberler', skip: 'Yorumlara geç', languages: 'Diller',
    comments: 'Yorumlar', none: 'Henüz yorum yok.', anonymous: 'Bir okur',
    write: 'Yorum yazın', name: 'Ad', nameHint: 'isteğe bağlı', text: 'Yorumunuz', send: 'Gönder', sending: 'Gönderiliyor…',
    before: 'Her yorum burada görünmeden önce bir moderatör tarafından okunur.',
    awaiting: 'Onay bekliyor. O zamana kadar yalnızca siz görebilirsiniz.', rejected: 'Yayımlanmadı.',
    refused: 'Bu yorum alınamadı. Değiştirip yeniden gönderebilirsiniz.',
    edit: 'Düzenle', withdraw: 'Geri al', withdrawn: 'Yorumunuzu geri aldınız.',
    editTitle: 'Yorumunuzu düzenleyin', editBefore: 'Yeni hâli görünmeden önce bir moderatör tarafından okunur.', save: 'Kaydet', cancel: 'Vazgeç',
    report: 'Bildir', reason: 'Sorun nedir?', note: 'Eklemek istediğiniz bir şey var mı?', sendReport: 'Bu yorumu bildir',
    reported: 'Teşekkürler. Bildiriminiz iletildi.',
    rules: 'Yorum kuralları', rulesBefore: 'Bütün yorumları görünmeden önce okuruz. Yorumlar haberle ilgili olmalıdır; eleştiri serbesttir. Şunları yayımlamayız:',
    rulesAfter: 'Yorumları değiştirmeyiz: olduğu gibi yayımlanır ya da yayımlanmaz.', noRules: 'Kurallar şu anda gösterilemiyor.',
    arrived: 'Yeni bir yorum var.', offline: 'Bağlantı kesildi. Geri geldiğinde yeni yorumlar görünecek.',
    problems: {
      empty: 'Lütfen bir şey yazın.', long: 'Bu yorum çok uzun. Lütfen kısaltın.', broken: 'Bu metin okunamıyor. Lütfen yeniden yazın.',
      pace: 'Bir anda çok fazla oldu. Lütfen bir dakika bekleyip yeniden gönderin.', origin: 'Bu, bizim sayfamızdan gelmedi. Lütfen sayfayı yeniden yükleyin.',
      gone: 'Bu yorum artık burada değil.', edits: 'Bu yorum artık değiştirilemez.', disk: 'Bu kaydedilemedi. Lütfen biraz sonra yeniden gönderin.',
      network: 'Gönderilemedi. Lütfen yeniden deneyin.', nothing: 'Böyle bir sayfa yok.', fault: 'Burada bir şeyler ters gitti. Lütfen yeniden deneyin.',
    },
  },
};

export const FALLBACK = 'en';

/** The language that a browser would rather have, by its Accept-Language. */
export function preferred(header = '') {
  const wanted = header.split(',').map((part) => {
    const [tag, ...parameters] = part.trim().toLowerCase().split(';');
    const weight = parameters.map((parameter) => /^\s*q=([\d.]+)$/.exec(parameter)?.[1]).find(Boolean);
    return { language: tag.split('-')[0], weight: Number(weight ?? 1) };
  }).sort((a, b) => b.weight - a.weight);
  const found = wanted.find(({ language }) => byTag(language));
  return found ? byTag(found.language) : FALLBACK;
}

function byTag(tag) {
  return Object.keys(LANGUAGES).find((code) => code === tag || LANGUAGES[code].tag === tag);
}

/** A day and time as a page of that language says it. */
export function moment(code, time) {
  // Where the articles have Arabic digits, so do the times.
  const locale = code === 'ar' ? 'ar-u-nu-arab' : LANGUAGES[code].tag;
  return new Intl.DateTimeFormat([locale, code, FALLBACK], { dateStyle: 'long', timeStyle: 'short' }).format(time);
}
