namespace MarchProxy.Edge.Http1;

/// <summary>
/// Writes a head anew for the next hop. What stays is copied in the longest possible runs of the received bytes (start line
/// included, where it fits), because most heads lose few lines or none; what we add follows. Each method returns false,
/// having written nothing, when the buffer's cap does not let the head in.
/// </summary>
internal static partial class HeadWriter
{
    /// <summary>Room for everything of fixed size that is added to a head.</summary>
    private const int FixedAdditions = 512;

    /// <summary>
    /// Copies field lines but those of <paramref name="dropped"/>, nominated or removed ones; the first run begins at
    /// <paramref name="from"/>.
    /// </summary>
    private static void CopyFields(
        ref ByteWriter writer, MessageHead head, ReadOnlySpan<byte> buffer, int from, ulong dropped, HeaderChanges changes)
    {
        if ((head.Present & dropped) == 0 && !head.HasNominated && !changes.RemovesOthers)
        {
            writer.Append(buffer[from..head.FieldsEnd]);
            return;
        }

        ReadOnlySpan<HeaderField> fields = head.Fields;
        int runStart = from;
        for (int i = 0; i < fields.Length; i++)
        {
            ref readonly HeaderField field = ref fields[i];
            bool drop = ((dropped >> (int)field.Id) & 1) != 0 || field.Nominated
                || (field.Id == KnownHeader.Unknown && changes.RemovesOthers && changes.RemovesOther(field.Name.In(buffer)));
            if (!drop) continue;
            if (field.NameStart > runStart) writer.Append(buffer[runStart..field.NameStart]);
            runStart = i + 1 < fields.Length ? fields[i + 1].NameStart : head.FieldsEnd;
        }

        if (head.FieldsEnd > runStart) writer.Append(buffer[runStart..head.FieldsEnd]);
    }
}
