// FCPXML 1.9 (Apple, "FCPXML Reference"): resources, then one sequence whose spine holds clips, gaps and transitions.
// Times are rational seconds, so a frame at any whole rate is exact.
using System.Text;
using System.Xml;

namespace Fabula.Narrative.Edit;

public static class FcpXml
{
    public static string Write(Timeline timeline)
    {
        var text = new StringBuilder();
        var settings = new XmlWriterSettings { Indent = true, IndentChars = "  ", NewLineChars = "\n", OmitXmlDeclaration = true };
        using (var xml = XmlWriter.Create(text, settings))
        {
            xml.WriteDocType("fcpxml", null, null, null);
            xml.WriteStartElement("fcpxml");
            xml.WriteAttributeString("version", "1.9");
            var assets = Resources(xml, timeline);
            xml.WriteStartElement("library");
            Start(xml, "event", ("name", timeline.Title));
            Start(xml, "project", ("name", timeline.Title));
            Start(xml, "sequence", ("format", "r1"), ("duration", Time(timeline.Frames)),
                ("tcStart", Time(Timecode.OneHour(timeline.Rate))),
                ("tcFormat", "NDF"));
            xml.WriteStartElement("spine");
            foreach (var (start, item) in timeline.Placed()) Item(xml, start, item, assets[item.Path]);
            xml.WriteEndElement();
        }
        return $"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}\n";

        string Time(long frames) => Seconds(frames, timeline.Rate);

        // The offset of an item in a spine counts from the sequence's start timecode.
        void Item(XmlWriter xml, long start, TimelineItem item, string asset)
        {
            var at = Timecode.OneHour(timeline.Rate) + start;
            if (item.BlackBefore > 0)
                Leaf(xml, "gap", ("name", "black"), ("offset", Time(at - item.BlackBefore)), ("start", "0s"),
                    ("duration", Time(item.BlackBefore)));
            if (item.Dissolve > 0) Transition(at - item.Lead, item.Dissolve);
            else if (item.FadeIn > 0) Transition(at, item.FadeIn);
            Start(xml, "asset-clip", ("ref", asset), ("name", item.Id), ("offset", Time(at)), ("start", Time(item.In)),
                ("duration", Time(item.Frames)), ("format", "r1"), ("tcFormat", "NDF"));
            xml.WriteElementString("note", Clean(item.Name));
            xml.WriteEndElement();
            if (item.FadeOut > 0) Transition(at + item.Frames - item.FadeOut, item.FadeOut);

            void Transition(long offset, int frames) =>
                Leaf(xml, "transition", ("name", "Cross Dissolve"), ("offset", Time(offset)), ("duration", Time(frames)));
        }
    }

    /// <summary>The format and one asset for each file; returns the ids of the assets by path.</summary>
    static Dictionary<string, string> Resources(XmlWriter xml, Timeline timeline)
    {
        var assets = new Dictionary<string, string>();
        xml.WriteStartElement("resources");
        Leaf(xml, "format", ("id", "r1"), ("frameDuration", Seconds(1, timeline.Rate)), ("width", $"{timeline.Width}"),
            ("height", $"{timeline.Height}"));
        foreach (var item in timeline.Items.DistinctBy(item => item.Path))
        {
            assets.Add(item.Path, $"r{assets.Count + 2}");
            Start(xml, "asset", ("id", assets[item.Path]), ("name", item.Id), ("start", "0s"),
                ("duration", Seconds(item.FileFrames, timeline.Rate)),
                ("hasVideo", "1"), ("format", "r1"), ("videoSources", "1"));
            Leaf(xml, "media-rep", ("kind", "original-media"), ("src", "./" + Otio.Url(item.Path)));
            xml.WriteEndElement();
        }
        xml.WriteEndElement();
        return assets;
    }

    static string Seconds(long frames, int rate) => frames % rate == 0 ? $"{frames / rate}s" : $"{frames}/{rate}s";

    static void Start(XmlWriter xml, string name, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        xml.WriteStartElement(name);
        foreach (var attribute in attributes) xml.WriteAttributeString(attribute.Name, Clean(attribute.Value));
    }

    static void Leaf(XmlWriter xml, string name, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        Start(xml, name, attributes);
        xml.WriteEndElement();
    }

    /// <summary>Without the letters that XML cannot hold at all.</summary>
    static string Clean(string text) => new([.. text.Where(letter => XmlConvert.IsXmlChar(letter))]);
}
