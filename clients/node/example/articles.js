/** The newspaper's articles; this one is invented, as is the city. */

export const ARTICLES = {
  tram: {
    published: Date.UTC(2026, 8, 14, 6, 30),
    en: {
      title: 'A tram to the university from 2028',
      lead: 'The city council has voted for a tram line from the old market to the university. Work is to begin next spring.',
      by: 'By our city desk',
      paragraphs: [
        'The line is to have eleven stops and to cross the river beside the stone bridge. A ride from the market to the campus will take eighteen minutes; the bus needs fifty.',
        'While the rails are laid, Oak Street will be closed to cars for about a year. Shopkeepers there fear for their customers. “We are not against the tram,” says a baker, “but somebody has to tell us how flour will get to us.”',
        'The council wants to show its plans in the town hall in October. How many trees will have to go is still open.',
      ],
    },
    ckb: {
      title: 'ترامێک بۆ زانکۆ لە ساڵی ٢٠٢٨',
      lead: 'ئەنجوومەنی شار دەنگی بە هێڵێکی ترام دا کە لە بازاڕی کۆنەوە بۆ زانکۆ دەڕوات. بڕیارە کارەکان بەهاری داهاتوو دەست پێ بکەن.',
      by: 'بەشی هەواڵەکانی شار',
      paragraphs: [
        'هێڵەکە یازدە وێستگەی دەبێت و لە تەنیشت پردە بەردینەکەوە بەسەر ڕووبارەکەدا دەپەڕێتەوە. گەشتێک لە بازاڕەوە بۆ زانکۆ هەژدە خولەک دەخایەنێت؛ بە پاس پەنجا خولەکی پێ دەچێت.',
        'لە ماوەی دانانی هێڵەکەدا شەقامی بەڕوو نزیکەی ساڵێک بە ڕووی ئۆتۆمبێلدا دادەخرێت. دوکاندارەکانی ئەوێ لە کڕیارەکانیان دەترسن. نانەوایەک دەڵێت: «دژی ترام نین، بەڵام دەبێت یەکێک پێمان بڵێت ئارد چۆن دەگاتە لامان.»',
        'ئەنجوومەن دەیەوێت لە مانگی دەیەمدا پلانەکانی لە شارەوانی پیشان بدات. هێشتا دیار نییە چەند دار دەبڕدرێنەوە.',
      ],
    },
    ku: {
      title: 'Ji sala 2028an ve tramvayek ber bi zanîngehê ve',
      lead: 'Meclisa bajêr ji bo xeteke tramvayê ya ji bazara kevn heta zanîngehê deng da. Kar dê bihara bê dest pê bike.',
      by: 'Ji beşa nûçeyên bajêr',
      paragraphs: [
        'Xet dê yanzdeh rawestgehan hebe û li kêleka pira kevirî ji çem derbas bibe. Rêwîtiya ji bazarê heta zanîngehê dê hejdeh deqeyan bikişîne; bi otobusê pêncî deqe ne.',
        'Dema ku rê tên danîn, Kolana Berûyê dê nêzîkî salekê ji otomobîlan re girtî be. Dikandarên wir ji bo mişteriyên xwe ditirsin. Nanpêjek dibêje: «Em ne li dijî tramvayê ne, lê divê kesek ji me re bibêje ka ard dê çawa bigihîje me.»',
        'Meclis dixwaze di meha cotmehê de planên xwe li şaredariyê nîşan bide. Hîn ne diyar e ku çend dar dê bên birîn.',
      ],
    },
    ar: {
      title: 'ترام إلى الجامعة ابتداءً من عام ٢٠٢٨',
      lead: 'صوّت مجلس المدينة لصالح خط ترام يصل السوق القديم بالجامعة. ومن المقرر أن تبدأ الأشغال في الربيع المقبل.',
      by: 'قسم أخبار المدينة',
      paragraphs: [
        'يضم الخط إحدى عشرة محطة ويعبر النهر بجانب الجسر الحجري. وستستغرق الرحلة من السوق إلى الحرم الجامعي ثماني عشرة دقيقة، بينما تستغرق بالحافلة خمسين.',
        'وأثناء مدّ السكة سيُغلق شارع البلوط أمام السيارات نحو عام. ويخشى أصحاب المتاجر هناك على زبائنهم. يقول خبّاز: «لسنا ضد الترام، لكن على أحدهم أن يخبرنا كيف سيصل إلينا الطحين.»',
        'ويعتزم المجلس عرض مخططاته في دار البلدية في تشرين الأول. أما عدد الأشجار التي ستُزال فلم يُحسم بعد.',
      ],
    },
    tr: {
      title: '2028’den itibaren üniversiteye tramvay',
      lead: 'Belediye meclisi, eski çarşıdan üniversiteye uzanan bir tramvay hattını kabul etti. Çalışmalar gelecek ilkbaharda başlayacak.',
      by: 'Kent haberleri servisi',
      paragraphs: [
        'Hatta on bir durak olacak ve hat, nehri taş köprünün yanından geçecek. Çarşıdan kampüse yolculuk on sekiz dakika sürecek; otobüsle elli dakika sürüyor.',
        'Raylar döşenirken Meşe Caddesi yaklaşık bir yıl araçlara kapatılacak. Buradaki esnaf müşterilerini kaybetmekten korkuyor. Bir fırıncı, “Tramvaya karşı değiliz,” diyor, “ama unun bize nasıl ulaşacağını birinin söylemesi gerek.”',
        'Meclis, planlarını ekimde belediye binasında sergilemek istiyor. Kaç ağacın kesileceği ise henüz belli değil.',
      ],
    },
  },
};
