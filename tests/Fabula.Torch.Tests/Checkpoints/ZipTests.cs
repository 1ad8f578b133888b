using System.Text;

namespace Fabula.Torch.Tests.Checkpoints;

public sealed class ZipTests
{
    static readonly byte[] Empty = [0x80, 2, (byte)'}', (byte)'.'];

    static ZipBytes Zip => new ZipBytes().Add("a/data.pkl", Empty);

    static void Refused(byte[] file, string words) => Bytes.Refused(file, words, name: "made.pth");

    [Fact]
    public void ZIP64_is_read()
    {
        var zip = new ZipBytes(zip64: true).Add("a/data.pkl", Empty).Add("a/data/0", new byte[24]).End();
        Assert.Empty(Bytes.Use(zip, checkpoint => checkpoint.Entries.Keys.ToList(), "made.pth"));
    }

    [Fact]
    public void A_file_cut_off_anywhere_is_refused()
    {
        var whole = Zip.Add("a/data/0", new byte[24]).End();
        for (var length = 4; length < whole.Length; length++) Refused(whole[..length], "made.pth");
    }

    [Fact]
    public void A_compressed_entry_is_refused_by_name()
    {
        Refused(Zip.Add("a/data/0", new byte[24], method: 8).End(), "a compressed entry, 'a/data/0'");
        Refused(Zip.Add("a/data/0", new byte[24], claimed: 1 << 30).End(), "a compressed entry, 'a/data/0'");
    }

    [Fact]
    public void An_encrypted_entry_is_refused_by_name() =>
        Refused(Zip.Add("a/data/0", new byte[24], flags: 1).End(), "an encrypted entry, 'a/data/0'");

    [Fact]
    public void An_entry_that_comes_twice_is_refused() =>
        Refused(Zip.Add("a/data/0", new byte[4]).Add("a/data/0", new byte[4]).End(), "the entry 'a/data/0' twice");

    [Fact]
    public void An_entry_of_two_names_is_refused() => Refused(Zip.Add("a/data/0", [], localName: "a/data/1").End(), "two names");

    [Fact]
    public void A_false_count_of_entries_is_refused()
    {
        Refused(Zip.End(entries: 2), "directory that is cut off");
        Refused(new ZipBytes(zip64: true).Add("a/data.pkl", Empty).End(entries: int.MaxValue), "claims 2147483647 entries");
    }

    [Fact]
    public void A_ZIP_without_a_pickle_is_refused() => Refused(new ZipBytes().Add("a/b", []).End(), "no 'data.pkl'");

    [Fact]
    public void A_ZIP_of_two_pickles_is_refused() => Refused(Zip.Add("b/data.pkl", Empty).End(), "more than one 'data.pkl'");

    [Theory]
    [InlineData("big", true), InlineData("", true), InlineData("little", false)]
    public void Big_endian_files_are_refused(string order, bool refused)
    {
        var file = Zip.Add("a/byteorder", Encoding.ASCII.GetBytes(order)).End();
        if (refused) Refused(file, "big-endian");
        else Assert.Empty(Bytes.Use(file, checkpoint => checkpoint.Entries.Keys.ToList(), "made.pth"));
    }
}
