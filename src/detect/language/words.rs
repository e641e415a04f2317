//! The commonest words of each language, which tell it, letters that few languages write, and other everyday words that
//! look like a technical word of another language. Written from general knowledge of the languages; small letters, native letters.

/// Function words: articles, prepositions, pronouns, conjunctions, adverbs, forms of *be*, *have* and the modal verbs, and
/// of the first and last line of a letter. In the order of [`super::CODES`].
pub(super) const COMMON: [&str; 15] = [
    // English
    "the of and to in is that it was for on are with as his they at be this from have or by had not but what \
     all were when we there can an your which their said if do will each about how up out them then she some \
     so these would into has her him could been who its only my over did down after should our you i me us \
     please may any also just don't i'm it's does than because here where why more very still am being same \
     another such both while until during before again often always never yet several let's what's who's \
     there's that's i've we've you're they're can't isn't doesn't didn't won't couldn't shouldn't wouldn't \
     haven't hasn't aren't wasn't whats since though although whether either want wants thanks hello dear hi \
     under between against without within those other others much many few most too really maybe every anyone \
     someone something nothing everything whose whom i'd i'll we'll he's she's how's used keep says",
    // German
    "der die das und in zu den mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat \
     dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur \
     bis mehr durch man sein wurde sei ich wir ihr mir mich uns bitte kann wenn diese dieser dieses vom unter \
     gegen schon ihre seine meine unsere was wer bin habe hatte wurden können muss soll keine kein ihren ihnen \
     hallo welche welcher welches welchen wo warum wieso weil dann denn da hier dort jetzt heute morgen \
     gestern sehr viel viele alle alles etwas nichts jeder jede jedes beim ins ans ohne während seit gibt geht \
     macht machen hätte wäre würde würden sollte könnte möchte lassen liegt steht bleibt damit dazu davon darf \
     dürfen will wollen sollen ob doch mal immer wieder ja nein danke geehrte geehrter herr frau grüße dein \
     deine dich dir euch seinen seinem seiner unserer unserem unseren diesem diesen zwei drei zwischen gelten \
     gilt eines meinem meinen meiner lautet",
    // French
    "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont la aux avec \
     son ses ou comme mais on nous vous sa leur elle été cette été fait était ont tout ils si même être ces \
     mon ma mes votre notre vos nos je tu moi lui où quand très sans sous peut chez dont donc entre depuis \
     d'un d'une c'est n'est j'ai qu'il l'on bonjour merci cet ceux celle celui leurs elles aussi alors ainsi \
     encore toujours jamais rien tous toute toutes chaque quel quelle quels quelles pourquoi comment combien \
     parce lors après avant pendant jusqu'à voici voilà puis peu beaucoup trop moins autre autres déjà ici \
     là-bas aujourd'hui hier demain veut veux peux doit dois faut suis es sommes êtes ai avons avez avait \
     avaient sera serait fais faire s'il qu'elle qu'ils qu'un qu'une n'a n'ai j'étais c'était l'a d'abord \
     madame monsieur cordialement svp stp oui non y deux trois eux lui-même selon chère cher",
    // Spanish
    "de la que el en y los se del las un por con no una su para es al lo como más o pero sus le ha me si sin \
     sobre este ya entre cuando todo esta ser son dos también fue había era muy hasta desde está mi porque qué \
     sólo han yo hay vez puede todos así nos ni parte tiene él uno donde bien ese ella hola nuestro nuestra \
     usted ustedes gracias estaba tengo estoy cada después antes estas estos esos esas aquel aquella esto eso \
     algo nada nadie cual cuál cuáles quién quien cómo cuándo dónde cuánto cuánta aunque mientras durante \
     según contra hacia tras mediante ahora hoy ayer mañana siempre nunca jamás aquí allí pues entonces luego \
     aún todavía otra otro otras otros mucho mucha muchos muchas poco pocos tan tanto menos mejor hace hacer \
     puedo puedes podemos pueden debe deben quiero quiere necesito somos soy eres estamos están estás tenemos \
     tienen tenía hemos has sea será sería vamos voy va señor señora buenos días tardes saludos favor tres",
    // Italian
    "di e il la che in un a per è una sono con non del si da dei le al come lo alla nel della più ma gli ha \
     anche i o delle questo dal se degli suo sua ci dalla nella era alle essere stato stata mi ho hanno tra \
     fra molto dopo sul sulla quando loro tutti tutto ai sui perché due prima noi voi lei lui cosa nostro \
     nostra vostro questa quello può solo senza buongiorno grazie ogni alcuni alcune altro altra altri altre \
     quale quali quanto quanta chi dove perchè poi ancora già sempre mai adesso ora oggi ieri domani qui lì \
     così allora quindi però mentre durante secondo contro verso tramite presso fino siamo sei siete avete \
     abbiamo avevo aveva avevano sarà sarebbe posso puoi possono deve devono devo vorrei vuole fare fatto \
     viene vengono ne nostri nostre suoi sue miei mie tuo tua nessuno niente qualcosa qualcuno meno meglio \
     troppo poco molti molte tre signor signora gentile egregio cordiali saluti ciao c'è buonasera dovrebbe \
     entro",
    // Portuguese
    "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu \
     sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos \
     ter seus quem nas me esse eles estão você tinha foram essa num nem suas meu às minha têm numa pelos havia \
     seja nós lhe deles olá obrigado obrigada estas estes esses essas aquele aquela aquilo isto nada ninguém \
     algo alguém cada qual quais onde quanto porque porquê embora enquanto durante segundo contra desde agora \
     hoje ontem amanhã sempre nunca aqui ali assim então ainda outra outro outras outros muita muitos muitas \
     pouco menos melhor fazer faz pode podem posso devo deve devem quero quer preciso somos sou és estamos \
     estava tenho temos será seria vamos vou vai senhor senhora dia tarde cumprimentos dois duas três nosso \
     nossa nossos nossas vosso dela delas deste desta nesta neste dessa desse pelas qualquer favor",
    // Dutch
    "de het een en van in is dat op te zijn met voor niet die er aan om ook als dan maar bij of uit nog naar \
     heeft ze hij worden werd wordt door over ik je was tot kan we deze al zich zo hebben dit moet wat mijn \
     haar hem ons uw onze hun wel geen meer zou toen had wij u jij jullie mij waar graag onder tegen tussen \
     alle veel na hier kunnen alleen omdat hallo bedankt welke wie waarom hoe wanneer want toch reeds steeds \
     altijd nooit vandaag morgen gisteren daar dus echter terwijl tijdens volgens zonder naast sinds iets \
     niets iedereen iemand elke elk ieder andere anderen zeer erg weinig minder beter maken doen gaat gaan \
     komt komen moeten mag mogen willen wil zullen zal zouden waren ben bent geweest hadden heb hebt jouw jou \
     onszelf daarom daarna dezelfde twee drie eerste tweede mevrouw meneer geachte beste groeten dank \
     alstublieft aub ja nee zoals binnen buiten vanaf even nou",
    // Polish
    "w i z na się do nie to jest że o jak po co ale za od przez dla tak czy już tylko ma być był była było są \
     przy pod jego jej ich tym tego ten ta te oraz może które który która jako bardzo gdy lub ze nas nam mnie \
     mi my wy pan pani proszę dzień dobry jeszcze więc także tej tych tę ja ty będzie mam został została bez \
     między przed jakie jaki jaka jakich czym kim kto kogo komu gdzie kiedy dlaczego ile sobą siebie sobie \
     swoje swój swojego swojej nasz nasza nasze naszego naszej wasz mój moja moje mojego mojej twój ona ono \
     oni one jemu niej niego nich nimi mu ci cię mną tobą wami wszystko wszystkie wszyscy każdy każda każde \
     inny inna inne innych nic nikt ktoś coś jeśli jeżeli żeby aby bo ponieważ choć również też teraz dziś \
     dzisiaj jutro wczoraj zawsze nigdy tutaj tam tu jestem jesteś jesteśmy masz mają miał miała można trzeba \
     musi powinien powinna mogę możemy chcę chce chciałbym chciałabym dwa trzy ani oprócz podczas wobec według \
     około we ku różni jednak",
    // Swedish
    "och i att det som en på är av för med till den har de inte om ett han men var jag sig från vi så kan när \
     år under också efter eller nu sin där vid mot ska skulle kommer ut får finns vara hade alla andra mycket \
     än här då sedan över bara in blir upp även vad få två vill ha många hur mer går kanske du er oss vår vårt \
     hon henne mig min mitt hej tack någon något vilken vilket vilka vem varför idag igår imorgon alltid \
     aldrig ibland redan ännu endast mellan utan genom innan medan eftersom därför samt dock dessa denna detta \
     dem deras dess honom sina sitt mina våra era ert ditt dina ni man ingen inget inga några allt varje annan \
     annat flera mest mindre bättre bör måste vet fick fått gör göra gjort gått kom kommit säger sagt fanns \
     blev blivit varit vore snälla vänliga hälsningar kära ja nej tre behöver skriv hos enligt åt",
    // Danish
    "og i at det er en til af på for med den de som har ikke om et han men var jeg sig fra vi så kan da der \
     skal vil ved også efter eller nu sin hvor mod skulle kommer ud får blev være havde alle andre meget end \
     her siden over bare ind bliver op kun hvad hun hende mig min mit mine os vores jer dig din noget nogen \
     mange hvis når været hej tak af hvilken hvilket hvilke hvem hvorfor hvordan hvornår dag går morgen altid \
     aldrig allerede endnu mellem uden under gennem inden mens fordi derfor samt dog disse denne dette dem \
     deres dens hendes hans sine sit vort jeres dit ingen intet nogle alt hver anden andet flere mest mindre \
     bedre bør må fik fået gør gøre gjort gået kom kommet siger sagt findes venlig hilsen kære ja nej to tre \
     skriv hos ifølge",
    // Norwegian
    "og i det er en til av på for med den de som har ikke om et han men var jeg seg fra vi så kan da der skal \
     vil ved også etter eller nå sin hvor mot skulle kommer ut får ble være hadde alle andre mye enn her siden \
     over bare inn blir opp kun hva hun henne meg min mitt mine oss vår vårt deg din noe noen mange hvis når \
     vært hei takk at hvilken hvilket hvilke hvem hvorfor hvordan dag går morgen alltid aldri allerede ennå \
     mellom uten under gjennom før mens fordi derfor samt likevel disse denne dette dem deres dens hennes hans \
     sine sitt våre ditt ingen alt hver annen annet flere mest mindre bedre bør må vet fikk fått gjør gjøre \
     gjort gått kom kommet sier sagt finnes vennlig hilsen kjære ja nei to tre skriv hos ifølge veldig kanskje",
    // Finnish
    "ja on ei se että hän oli ovat mutta kun niin kuin myös joka mitä tai sen olen ole minä sinä me te he tämä \
     jos vain sitten nyt mukaan kanssa vielä jo ollut olisi voi sekä jälkeen ennen mikä tästä siitä siinä \
     siellä täällä kaikki koko hänen minun meidän teidän heidän sinun ette emme eivät olemme ovatko kuten \
     koska ilman noin yli hei kiitos vuonna tulee tule pitää saa minulla onko kuka ketä missä milloin miksi \
     miten mihin mistä kenen tänään eilen huomenna aina koskaan vasta enää edelleen heti pian paljon vähän \
     enemmän vähemmän toinen toisen muut muita muun jokin joku jotka jonka jossa josta johon joita kuitenkin \
     siksi vaikka jotta kunnes välillä aikana kautta vastaan lisäksi saada tehdä teen tekee pitäisi täytyy \
     haluan haluaa tarvitsen olet olette olin olivat oltiin ollaan eikö voiko voinko voit minulle sinulle \
     hänelle meille teille heille minut hänet omaa oma eli siis joten vaan yksi kaksi kolme ystävällisin \
     terveisin hyvä rouva herra näin tällä tämän tätä sitä sille",
    // Czech
    "a se v na je že to s z do o i jako za by ale k si po tak jsem ve ze pro když už jen jsou jeho který která \
     které nebo byl byla bylo od co při jak až má být mezi tím ten ta ty toho také kde ještě může mohou pak \
     než své svůj jsme jste mě mi nám vám ho jí jejich podle před bez pod nad není proto prosím dobrý den \
     děkuji tento této jaký jaká jaké jakou kdo koho komu čím kým proč kdy kolik kam odkud kterého kterou \
     kterým kterých všechno všechny všichni každý každá každé jiný jiná nic nikdo někdo něco jestli zda aby \
     protože ačkoliv však tedy taky teď nyní dnes zítra včera vždy nikdy tady tam zde takže jsi byli byly bude \
     budou budeme bych bychom měl měla mají máme máte mám musí musím můžeme chci chce potřebuji prosíme \
     děkujeme dva tři první druhý můj moje naše náš vaše váš její svou svého svým sebe sobě tebe tobě vás nás \
     ně ním ní nich jim jemu proti kromě během okolo kolem",
    // Romanian
    "de și în a la cu pe nu care un o din că se mai ce este sunt să pentru al ai ale au fost prin sau dar după \
     fi lui ei lor dacă am ca cel cea cei cele acest această aceasta acesta sale său sa noi voi eu tu el ea mi \
     ne vă le îi își între până când unde cum doar foarte fără despre către si in sa ca am fost bună ziua \
     mulțumesc dumneavoastră toate tot cine cui cât câte câți oricare fiecare nimic nimeni cineva ceva deși \
     fiindcă totuși încă acum azi astăzi mâine ieri mereu niciodată aici acolo astfel așa atunci apoi chiar \
     puțin mult multe mulți multă alt altă alte alți același aceeași suntem sunteți ești era erau vor va vom \
     veți aș ar ați are avem aveți aveau poate pot putem trebuie vreau doresc meu mea mei mele tău ta nostru \
     noastră noștri vostru vi îmi îți ne-a m-a s-a nu-i printr-un dintr-un într-un într-o doi două trei \
     stimate stimată domnule doamnă rog stimă salut",
    // Turkish
    "ve bir bu da de için ile çok daha o ne gibi olarak en var kadar sonra olan ama ben sen biz siz onlar \
     değil mi mı mu her şey ki ya yok ise veya göre önce ilk iki diye kendi bana sana ona bize size onun benim \
     senin bizim sizin nasıl neden niçin olduğu oldu olur olsun hem hiç bile şu şimdi lütfen merhaba \
     teşekkürler ancak artık üzerinde nerede nereden nereye kim kime kimin hangi kaç nedir midir niye çünkü \
     fakat lakin yani sadece yalnız bütün tüm bazı hiçbir herkes kimse bugün yarın dün hep bazen henüz hâlâ \
     hala belki tabii evet hayır lazım gerek gerekiyor olmak olacak olmuş olsa olup olduğunu olması olmadığı \
     vardı yoktu değildir idi imiş eder etti ederim ediyorum yapmak yaptı yapılan misiniz musunuz mıdır musun \
     miyim beni seni onu bizi sizi onları bizden sizden bunun bunu buna bunlar şunu şunlar öyle böyle üç dört \
     sayın günler saygılarımla teşekkür rica arasında içinde altında tarafından hakkında doğru karşı",
];

/// Everyday words that are also a number's name or a cue in another language, such as *fin* (the number of a Singapore
/// resident, and "end" in French). They tell no language, they only do not count in a text of theirs.
pub(super) const HOMOGRAPHS: [(&str, &str); 13] = [
    (
        "en",
        "rut nip sin fin pan tin rat kind gift fast also nie rut brief art bad not man mobile ring cell bell bel \
            male age data face post visa due note",
    ),
    ("de", "nie bis pan art die tag arm not rot fin rat kind ring ruf mut nun tin"),
    ("fr", "fin nie nif pan sin sis bis tin sur an nom date code dos dent bel ring mes"),
    ("es", "sin fin pan nie rut nif alta ni cell ara tin don tel tan red"),
    ("it", "fin pan nie sin bis ora ala cui data cure fine mese sale"),
    ("pt", "fim sin nem pan data rua bis ano cui"),
    ("nl", "of die de bis pan bel man nie ring tin kind arts geb sinds"),
    ("pl", "nie pan sin tin bez fin po kom pin data dane"),
    ("sv", "fin bis sin pan man dag barn mot art ring gift tin"),
    ("da", "fin sin pan man barn art gift ring nip"),
    ("no", "fin sin pan man barn art gift ring nip"),
    ("ro", "sin pan bis nici data fin dosar"),
    ("tr", "sin tin fin pan data bel ara"),
];

/// Letters in the words of at most four of the languages. Letters that others write too (é, á, ç), and those that languages
/// outside the table have in common with one inside (č, š, ž), tell too little.
pub(super) const LETTERS: [(&str, &[&str]); 14] = [
    ("ß", &["de"]),
    ("ñ", &["es"]),
    ("ãõ", &["pt"]),
    ("łąęśźżćń", &["pl"]),
    ("å", &["sv", "da", "no"]),
    ("øæ", &["da", "no"]),
    ("řěů", &["cs"]),
    ("ășțţ", &["ro"]),
    ("ğış", &["tr"]),
    ("ä", &["de", "sv", "fi"]),
    ("ö", &["de", "sv", "fi", "tr"]),
    ("ü", &["de", "tr"]),
    ("ìò", &["it"]),
    ("œ", &["fr"]),
];
