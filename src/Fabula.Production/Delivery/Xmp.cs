// Where a film comes from, inside the film: an XMP packet (ISO 16684-1) with IPTC's digital source type, in a top-level 'uuid' box of the
// MP4 as XMP Specification Part 3 lays down. It stands at the end, so that no offset in the file changes.
using System.Buffers.Binary;
using System.Text;
using System.Xml;

namespace Fabula.Production.Delivery;

public static class Xmp
{
    /// <summary>IPTC's word for media made by a trained model.</summary>
    public const string DigitalSourceType = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

    /// <summary>BE7ACFCB-97A9-42E8-9C71-999491E3AFAC.</summary>
    public static ReadOnlySpan<byte> Uuid =>
        [0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8, 0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC];

    const string Rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", Dc = "http://purl.org/dc/elements/1.1/",
        Basic = "http://ns.adobe.com/xap/1.0/", Iptc = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", Meta = "adobe:ns:meta/";

    /// <summary>The packet, in UTF-8.</summary>
    /// <param name="title">Of the film.</param>
    /// <param name="tool">The program that made it, with its version.</param>
    /// <param name="model">What drew it.</param>
    public static byte[] Packet(string title, string tool, string model)
    {
        var text = new StringBuilder("<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n");
        using (var xml = XmlWriter.Create(text, new() { OmitXmlDeclaration = true, Indent = true, NewLineChars = "\n" }))
        {
            xml.WriteStartElement("x", "xmpmeta", Meta);
            xml.WriteStartElement("rdf", "RDF", Rdf);
            xml.WriteStartElement("rdf", "Description", Rdf);
            xml.WriteAttributeString("rdf", "about", Rdf, "");
            xml.WriteElementString("Iptc4xmpExt", "DigitalSourceType", Iptc, DigitalSourceType);
            xml.WriteElementString("xmp", "CreatorTool", Basic, Clean(tool));
            Alternative(xml, "title", title);
            Alternative(xml, "description", $"Made by a trained model: {model}");
            xml.WriteEndElement();
            xml.WriteEndElement();
            xml.WriteEndElement();
        }
        return Encoding.UTF8.GetBytes(text.Append("\n<?xpacket end=\"r\"?>").ToString());
    }

    /// <summary>Appends the packet to a finished MP4.</summary>
    /// <exception cref="DeliveryException">The file is no MP4, or its last box is open-ended and would swallow the packet.</exception>
    public static void Append(string mp4, byte[] packet)
    {
        using var file = new FileStream(mp4, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        CheckBoxes(file, mp4);
        Span<byte> head = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(head, (uint)(head.Length + Uuid.Length + packet.Length));
        "uuid"u8.CopyTo(head[4..]);
        file.Seek(0, SeekOrigin.End);
        file.Write(head);
        file.Write(Uuid);
        file.Write(packet);
        file.Flush(flushToDisk: true);
    }

    /// <summary>The boxes must fill the file exactly.</summary>
    static void CheckBoxes(FileStream file, string path)
    {
        Span<byte> head = stackalloc byte[16];
        for (var at = 0L; at < file.Length;)
        {
            file.Position = at;
            var read = file.ReadAtLeast(head, 16, throwOnEndOfStream: false);
            var size = read < 8 ? 0 : (long)BinaryPrimitives.ReadUInt32BigEndian(head);
            if (size == 1 && read == 16) size = BinaryPrimitives.ReadInt64BigEndian(head[8..]);
            if (size < 8 || size > file.Length - at || (at == 0 && !head[4..8].SequenceEqual("ftyp"u8)))
                throw new DeliveryException(
                    $"'{Path.GetFileName(path)}' is no finished MP4: its box at byte {at} cannot be. Make it again.");
            at += size;
        }
    }

    static void Alternative(XmlWriter xml, string name, string text)
    {
        xml.WriteStartElement("dc", name, Dc);
        xml.WriteStartElement("rdf", "Alt", Rdf);
        xml.WriteStartElement("rdf", "li", Rdf);
        xml.WriteAttributeString("xml", "lang", null, "x-default");
        xml.WriteString(Clean(text));
        xml.WriteEndElement();
        xml.WriteEndElement();
        xml.WriteEndElement();
    }

    /// <summary>Without the letters that XML cannot hold at all.</summary>
    static string Clean(string text) => new([.. text.Where(XmlConvert.IsXmlChar)]);
}
