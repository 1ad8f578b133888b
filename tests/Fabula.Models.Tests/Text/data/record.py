#!/usr/bin/env python3
"""Records what the C# tests compare with; needed only to make the data anew, in an empty folder copied from this one.

Needs sentencepiece (recorded with 0.1.97) and ftfy (6.3.1). The pocket-*.model files are not trained: they are what
PocketVocabulary.cs writes, and this script only asks the library for their ids.
lines.txt: the texts, as JSON strings, or "hex ..." where they are no UTF-8. NAME.ids: ids, tab, decoded text.
cleaned.txt: prompt, tab, the prompt as Wan's wan/modules/tokenizers.py cleans it.
"""
import html
import json
import os
import random
import re
import sys

import ftfy
import sentencepiece as spm

R=random.Random(7)
who=["Ada","the old lighthouse keeper","a girl in a red coat","her brother Bea","an orange cat","two soldiers","the baker","Mr. Finch","a tired astronaut","the café owner"]
does=["walks slowly through","looks back at","runs across","waits in front of","dances around","opens the door of","paints","remembers","films","leaves"]
where=["the snowy harbour","an empty railway station","a neon-lit street","the burning forest","a kitchen full of steam","the moon base","a field of sunflowers","the flooded library","a rooftop at dusk","the market hall"]
how=["close-up, 35mm lens, shallow depth of field","wide shot, golden hour","handheld camera, heavy rain","slow dolly-in, 24 fps","a single take of 90 seconds","in the style of paper theatre","backlit, volumetric fog","high contrast, black and white"]
dwho=["Der alte Müller","Eine Frau im grünen Mantel","Das Mädchen","Ein Straßenbahnfahrer","Die Königin","Großvater Jürgen"]
ddoes=["geht langsam über","überquert","öffnet die Tür zu","träumt von","läuft fröhlich durch","schließt"]
dwhere=["die nasse Straße","den verschneiten Hügel","das Gewächshaus","die Brücke","eine Küche voller Äpfel","den leeren Bahnhof"]
zh=["一个女孩","老人","穿红衣的男孩","一只橘猫","宇航员","面包师"]; zhd=["慢慢走过","跑向","看着","打开","离开了","画着"]; zhw=["雪中的港口。","空荡的车站。","霓虹灯下的街道。","燃烧的森林。","图书馆的门。","月球基地。"]
ja=["少女は","おじいさんが","赤いコートの男が","ネコは","カメラマンが","パン屋さんは"]; jaw=["雪の港を","駅のホームを","ネオンの街を","森の中を","図書館を","屋根の上を"]; jad=["ゆっくり歩く。","走っていく。","見つめている。","後にした。","撮影しています。","思い出した。"]
emo=["🎬","🎥 take","❤️","👩‍🚀","🌧️ rain","🇩🇪","👍🏽","😀"]
def sent():
    k=R.random()
    if k<.4: return f"{R.choice(who)} {R.choice(does)} {R.choice(where)}, {R.choice(how)}."
    if k<.6: return f"{R.choice(dwho)} {R.choice(ddoes)} {R.choice(dwhere)}."
    if k<.75: return R.choice(zh)+R.choice(zhd)+R.choice(zhw)
    if k<.9: return R.choice(ja)+R.choice(jaw)+R.choice(jad)
    if k<.95: return f"Scene {R.randint(1,99)}: INT. {R.choice(where).upper()} - {R.choice(['DAY','NIGHT'])} {R.choice(emo)}"
    return f"{R.choice(who)}: \"{R.choice(['No!','Why?','I can’t…','Cut!','Don’t go — please.','naïve façade','Ελλάδα','Привет, мир!'])}\""
with open('corpus.txt','w') as f:
    for _ in range(3000): f.write(sent()+'\n')
open('rules.tsv','w').write("41\t61\n42\t62\nC4\t61 65\n1F600\t3A 29\n9\t20\nA\t20\n3000\t20\n200B\t\n65 301\tE9\n")
base=dict(input='corpus.txt',num_threads=1,pad_id=0,eos_id=1,unk_id=2,bos_id=-1,minloglevel=2,hard_vocab_limit=False)
def train(name,**k):
    spm.SentencePieceTrainer.train(model_prefix=name,**{**base,**k})
train('unigram-nmt-nfkc',model_type='unigram',vocab_size=700,normalization_rule_name='nmt_nfkc',character_coverage=0.99)
train('unigram-nfkc-bytes',model_type='unigram',vocab_size=900,normalization_rule_name='nfkc',byte_fallback=True,character_coverage=0.98)
train('unigram-identity-symbols',model_type='unigram',vocab_size=600,normalization_rule_name='identity',user_defined_symbols=['<shot>','<shot>s','New York','ＡＢ','  ','é'],control_symbols=['<ctrl>'],unk_surface='??')
train('unigram-rules-suffix',model_type='unigram',vocab_size=600,normalization_rule_tsv='rules.tsv',treat_whitespace_as_suffix=True)
train('bpe-identity-symbols',model_type='bpe',vocab_size=700,normalization_rule_name='identity',user_defined_symbols=['<shot>','<shot>s','New York','cat'],remove_extra_whitespaces=False,bos_id=3)
train('bpe-rules-bytes',model_type='bpe',vocab_size=800,normalization_rule_tsv='rules.tsv',byte_fallback=True,add_dummy_prefix=False)
L=[]
for _ in range(140): L.append(sent())
L+=["",""," ","   ","\t","\n","\r\n"," a","a ","  a  b  ","a\u00a0b","a\u3000b","\u3000\u3000","▁","▁a","a▁b","▁▁▁","a \u2003 b","a\u200bb","a\u200db","\ufeffbom","\u00ad","x\u0000y","\u0000","\u0001\u0002","\x7f","a\x1bb","e\u0301","E\u0301","é","ﬁ ﬂ ﬀ","ＡＢＣ　ｘｙｚ","ｶﾞｷﾞ","가각","\u1100\u1161\u11a8","ﷺ","①②③","½","™","…","ı̇","İstanbul","ẞß","Ǆ","㌀","𝒜𝔅","𠮷野家","😀😀","👨‍👩‍👧‍👦","🇩🇪🇫🇷","❤️","\ufffd","\U0010ffff","\ufffe","\u0e33","<shot>","<shot>s","x<shot>s<shot>y","New York","in New  York now","New Yorks","a  b","<s>","</s>","<unk>","<pad>","<ctrl>","<0x41>","&lt;b&gt;","the the the","cat","cats cat","concatenate","zzzzzzzz","qqq xxx","ЖЖЖ","Привет","שלום","العربية","हिन्दी","ไทย","a"*300,"▁"*50," "*50+"x","é"*80,"e\u0301"*60,"中"*120,"🎬"*40,"<shot>"*30,"ab"*200,"New York"*20,"\u0301","\u0301\u0301a","a\u0301\u0300\u0323","\u0344","Å Å Å","ö ö","𝟘𝟙","²³","ª","ſ","ﬅ","㍿","\u2028x\u2029y","\u0085z","\u061c","\u202eabc","\u2066x\u2069","١٢٣"]
chars="aabcdeéäöüßABC  \t\n▁<>/shot01中文字女孩はをカのｱＡ①😀🎬\u0301\u0308\u200b\u200d\u00a0\u3000\ufeff\u0000ﬁ½☃ЖKörper"
for _ in range(160):
    L.append(''.join(R.choice(chars) for _ in range(R.randint(1,40))))
for _ in range(60):
    L.append(''.join(chr(c) for c in (R.choice([R.randint(0,0x7f),R.randint(0x80,0x2ff),R.randint(0x300,0x36f),R.randint(0x1e00,0x2fff),R.randint(0x3000,0x30ff),R.randint(0xac00,0xd7a3),R.randint(0xf900,0xffff),R.randint(0x10000,0x1ffff)]) for _ in range(R.randint(1,25)))))
B=[l.encode() for l in L]
for _ in range(80):
    B.append(bytes(R.choice([R.randint(0,255),R.randint(0x80,0xff),R.choice(b'aeth ')]) for _ in range(R.randint(1,20))))
B+=[b'\xff',b'\xc3',b'\xe4\xb8',b'\xf0\x9f\x98',b'\xed\xa0\x80',b'\xc0\x80',b'\xf4\x90\x80\x80',b'a\xc3',b'\xe2\x96',b'\xe2\x96\x81\xe2']
with open('lines.txt','w') as f:
    for b in B:
        try: f.write(json.dumps(b.decode())+'\n')
        except UnicodeDecodeError: f.write('hex '+b.hex()+'\n')
def record(name):
    sp=spm.SentencePieceProcessor(model_file=name+'.model')
    n=0
    with open(name+'.ids','w',encoding='utf-8') as f:
        for b in B:
            ids=sp.encode(b,out_type=int); n+=len(ids)
            d=sp.decode(ids)
            if isinstance(d,bytes): d=d.decode('utf8','replace')
            f.write(' '.join(map(str,ids))+'\t'+json.dumps(d,ensure_ascii=False)+'\n')
    print(name,sp.get_piece_size(),len(B),n,os.path.getsize(name+'.model'))
if __name__=='__main__':
    for m in ['unigram-nmt-nfkc','unigram-nfkc-bytes','unigram-identity-symbols','unigram-rules-suffix','bpe-identity-symbols','bpe-rules-bytes','pocket-unigram','pocket-bpe-bytes']:
        if os.path.exists(m+'.model'): record(m)


def basic(t):
    t=ftfy.fix_text(t); t=html.unescape(html.unescape(t)); return t.strip()
def ws(t): return re.sub(r'\s+',' ',t).strip()
R=random.Random(3)
L=["","  a  b ","a\n\n b\tc","“Hello” ‘world’","ﬁne ﬂow ŉ Ǆ","ＬＯＵＤ　ＮＯＩＳＥＳ","Ｕﾀｰﾝ ｶﾞ","e\u0301 A\u030a n\u0303","\u1112\u1161\u11ab","&amp;amp;lt;b&amp;amp;gt;","&lt;b&gt; &amp; &eacute","P&EACUTE;REZ &NTILDE; &nTILDE; BUNDESSTRA&SZLIG;E","&notit; &not it &ampfoo &AMP","&#39;&#x27;&#0;&#x80;&#xD800;&#x110000;&#99999999999;&#1;&#xFFFE;&#13;&#x1F600;","&#8217;&hellip;","<b>&eacute;</b>","line &eacute;\n<b>\nline &eacute; &amp;amp;amp;eacute;","\x1b[36;44mblue\x1b[0m text","a\x00b\x07c\x7fd","\ufeffbom \ufff9x\ufffa","a\u2028b\u2029c\u0085d","soft\u00adhyphen zero\u200bwidth","I can’t — really…","&Jscr;ohn &HilbertSpace;","&bne; &NotEqualTilde;","&;&&#;&#x;&#xg;","\u0344 \u0958 \u2126 \u212b","q\u0307\u0323 \u0323\u0307s","\uac00\u11a8 \u1100\u1161\u11a8","naïve façade Straße","中文，提示词。","日本語「カギ」","emoji 👩‍🚀 🇩🇪","100％ ￥5 ￣","x&nbsp;y&emsp;z","&CounterClockwiseContourIntegral;&lang;","&FFILIG; &CHECKMARK;","\u0f71\u0f72\u0f74","\u09c7\u09be","𑂥\U000110ba","\U0001d15e"]
ch="abce AE&;#x39ltampquoteacu<>\n\t“’ﬁＡ　ｶﾞ\u0301\u0323\u0308\u1100\u1161\u11a8가\u00a0\u2028…é中"
ents=["&amp;","&lt;","&eacute;","&eacute","&#39;","&#x1F600;","&EACUTE;","&quot","&nbsp;","&amp;amp;"]
for _ in range(220):
    L.append(''.join(R.choice(ents) if R.random()<.15 else R.choice(ch) for _ in range(R.randint(1,40))))
for _ in range(150):
    L.append('a'+''.join(chr(R.choice([R.randint(0x300,0x36f),R.randint(0x41,0x17f),R.randint(0x1e00,0x1fff),R.randint(0x900,0x9ff),R.randint(0xac00,0xac80),R.randint(0x1100,0x11ff),R.randint(0xff01,0xffee),R.randint(0x2000,0x206f)])) for _ in range(R.randint(1,15))))
kept=skipped=0
with open('cleaned.txt','w') as f:
    for l in L:
        # Text in a wrong encoding is not repaired by us.
        if ftfy.fix_text(l)!=ftfy.fix_text(l,fix_encoding=False): skipped+=1; continue
        kept+=1
        f.write(json.dumps(l)+'\t'+json.dumps(ws(basic(l)))+'\n')
print(kept,skipped)
